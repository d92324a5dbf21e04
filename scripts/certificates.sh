#!/usr/bin/env bash
# Creates a private certificate authority and certificates signed by it:
#   bash scripts/certificates.sh FOLDER NAME[=ADDRESS,ADDRESS…]…
# Writes FOLDER/ca.pem and ca-key.pem unless they exist. For each NAME it writes NAME.pem and
# NAME-key.pem, valid for a year, for the addresses (DNS names or IP addresses) at which others dial
# it; the default address is the name. Only the current user can read the files.
set -euo pipefail
umask 077
folder=${1:?expected a folder, and then names, as coordinator=10.0.0.1,node-1.lab}
shift
mkdir -p "$folder"
cd "$folder"
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

if [ ! -e ca-key.pem ]; then
  key ca-key.pem
  openssl req -x509 -new -key ca-key.pem -out ca.pem -days 3650 -subj "/CN=fedclair authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign"
fi

for one in "$@"; do
  name=${one%%=*}
  case $name in
  ca | "" | *[!A-Za-z0-9._-]* | .* | -*)
    echo "a name: expected letters, digits and any of . _ -, and not ca, got '$name'" >&2
    exit 2
    ;;
  esac
  entries=
  for address in $(printf %s "${one#*=}" | tr , ' '); do
    case $address in
    *:* | *[0-9].[0-9]*.[0-9]*.[0-9]*) kind=IP ;;
    *) kind=DNS ;;
    esac
    entries=$entries${entries:+,}$kind:$address
  done
  key "$name-key.pem"
  openssl req -new -key "$name-key.pem" -subj "/CN=$name" |
    openssl x509 -req -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 365 -out "$name.pem" -extfile <(
      printf '%s\n' "subjectAltName=$entries" "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
        "extendedKeyUsage=serverAuth,clientAuth" "subjectKeyIdentifier=hash" "authorityKeyIdentifier=keyid"
    )
done
