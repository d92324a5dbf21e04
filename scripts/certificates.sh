#!/usr/bin/env bash
# Creates a private certificate authority and certificates signed by it:
#   bash scripts/certificates.sh FOLDER NAME[=ADDRESS,ADDRESS…]…
# Writes FOLDER/ca.pem and ca-key.pem unless they exist. For each NAME it writes NAME.pem and
# NAME-key.pem, valid for a year from yesterday on, for the addresses (DNS names or IP addresses) at
# which others dial it; the default address is the name. Only the current user can read the files.
set -euo pipefail
umask 077
folder=${1:?expected a folder, and then names, as coordinator=10.0.0.1,node-1.lab}
shift
mkdir -p "$folder"
cd "$folder"
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

# Certificates begin a day ago, for hosts whose clocks are behind. `openssl x509` can do that only
# from OpenSSL 3.4 on, so they are signed by `openssl ca`, whose files are temporary.
authority=$(mktemp -d)
trap 'rm -r "$authority"' EXIT
touch "$authority/index"
printf '%s\n' "[ca]" "default_ca = own" "[own]" "database = $authority/index" "new_certs_dir = $authority" \
  "default_md = sha256" "policy = any" "rand_serial = yes" "unique_subject = no" "[any]" "commonName = supplied" >"$authority/config"
yesterday=$(date -u -d "1 day ago" +%Y%m%d%H%M%SZ 2>/dev/null || date -u -v-1d +%Y%m%d%H%M%SZ)

# sign CERTIFICATE KEY NAME DAYS EXTENSION… -- ARGUMENTS OF openssl ca
sign() {
  local out=$1 own=$2 name=$3 days=$4
  shift 4
  while [ "$1" != -- ]; do
    printf '%s\n' "$1"
    shift
  done >"$authority/extensions"
  shift
  openssl req -new -key "$own" -subj "/CN=$name" -out "$authority/request"
  openssl ca -batch -notext -config "$authority/config" -extfile "$authority/extensions" \
    -in "$authority/request" -out "$out" -startdate "$yesterday" -days "$days" "$@" 2>"$authority/log" ||
    { cat "$authority/log" >&2 && exit 1; }
}

if [ ! -e ca-key.pem ]; then
  key ca-key.pem
  sign ca.pem ca-key.pem "fedclair authority" 3650 "basicConstraints=critical,CA:TRUE,pathlen:0" \
    "keyUsage=critical,keyCertSign,cRLSign" "subjectKeyIdentifier=hash" -- -selfsign -keyfile ca-key.pem
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
  sign "$name.pem" "$name-key.pem" "$name" 365 "subjectAltName=$entries" "basicConstraints=critical,CA:FALSE" \
    "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth,clientAuth" "subjectKeyIdentifier=hash" \
    "authorityKeyIdentifier=keyid" -- -cert ca.pem -keyfile ca-key.pem
done
