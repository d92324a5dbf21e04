#!/usr/bin/env bash
# npm run test:services: installs Valkey and Slurm with apt if this user may, and runs the tests
# that need them. npm test also runs the tests with Valkey if it is installed. The tests with Slurm,
# which starts three daemons, run only here.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin
packages=()
for one in valkey-server slurmctld slurmd munge:munged slurm-client:sbatch; do
  command -v "${one#*:}" > /dev/null || packages+=("${one%:*}")
done
if [ ${#packages[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}"; }; then
    echo "cannot install ${packages[*]}: tests that need them are skipped" >&2
  fi
fi
cd e2e
FEDCLAIR_SERVICES=1 npx mocha --grep "Valkey|Slurm|many-machines"
