#!/bin/bash
#SBATCH --job-name=fedclair
#SBATCH --ntasks-per-node=1
# One trial on the nodes of a job, with one client host per task:
#   sbatch --nodes=4 deploy/slurm/trial.sh TRIAL [options of fedclair coordinator]
# If it is submitted again, it resumes. The nodes need fedclair, openssl and a shared working directory.
# CAPACITY: largest number of virtual clients of a host. Clients are spread evenly over the hosts.
set -euo pipefail
umask 077
trial=${1:?expected a trial file}
shift

# A secret and a certificate only for this job. The coordinator runs here, on the first node.
secrets=$(mktemp -d "$PWD/.fedclair-XXXXXX")
trap 'rm -rf "$secrets"' EXIT
name=$(hostname)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=fedclair \
  -addext "subjectAltName=DNS:$name" -keyout "$secrets/key.pem" -out "$secrets/cert.pem" 2> /dev/null
openssl rand -hex 24 > "$secrets/token"

fedclair coordinator "$trial" --resume --listen 0.0.0.0:0 --tls-cert "$secrets/cert.pem" --tls-key "$secrets/key.pem" \
  --token-file "$secrets/token" "$@" 2> >(tee "$secrets/log" >&2) &
coordinator=$!
trap 'kill "$coordinator"' TERM INT
port=
while [ -z "$port" ] && kill -0 "$coordinator" 2> /dev/null; do
  sleep 0.2
  port=$(sed -n 's/.*listening on https:[^"]*:\([0-9]*\).*/\1/p' "$secrets/log" | head -n 1)
done
if [ -n "$port" ]; then
  srun --kill-on-bad-exit=0 fedclair client --coordinator "https://$name:$port" --capacity "${CAPACITY:-1000}" \
    --token-file "$secrets/token" --tls-ca "$secrets/cert.pem" || true
fi
wait "$coordinator"
