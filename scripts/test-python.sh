#!/usr/bin/env bash
# npm run test:python: checks types and runs the tests of apps/client-python and of
# studies/adapters/{train-adapters,detectors} in a virtual environment, and the tests of the wheel.
# It is skipped with a message if there is no Python or no package index. `npm run test:python --
# flower peft torch pandas notebook flower-server llm exports detectors` also installs Flower,
# PyTorch and PEFT, Jupyter, Flower's simulation, the packages for trials/llm, those that read
# exports and other detectors, and runs their tests.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(node scripts/python-env.js "$@") || {
  code=$?
  [ $code = 3 ] || exit $code
  echo "tests of apps/client-python skipped"
  exit 0
}
node scripts/python-proto.js --check
(cd apps/client-python && "$python" -m mypy && "$python" -m pytest -q)
"$python" -m pytest -q -p no:cacheprovider trials/llm || [ $? = 5 ] # 5: skipped, as it takes the extra llm
"$python" -m pytest -q -p no:cacheprovider studies/adapters/train-adapters
"$python" -m pytest -q -p no:cacheprovider studies/adapters/detectors
# Even if it is empty, FEDCLAIR_PYTHON allows the tests with numpy clients.
(cd e2e && FEDCLAIR_PYTHON="$*" npx mocha -g "Python|ClientApp|PEFT|language model")
node scripts/test-wheel.js
