#!/usr/bin/env bash
# Types and tests of apps/client-python, in an environment of its own; skipped with a word where there is no Python. What is
# given are the names of optional dependencies: --flower or --peft runs the tests of these too.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(node scripts/python-env.js "${@#--}") || {
  echo "tests of apps/client-python skipped"
  exit 0
}
node scripts/python-proto.js --check
cd apps/client-python
"$python" -m mypy
exec "$python" -m pytest -q
