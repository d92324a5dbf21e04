#!/usr/bin/env bash
# Types and tests of apps/client-python, in an environment of its own; skipped with a word where there is no Python or no package
# index. `npm run test:python -- flower peft flower-server llm exports` installs Flower, PyTorch and PEFT, Flower's simulation, what
# trials/llm needs, and what reads exports, and runs what needs them too.
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
(cd e2e && FEDCLAIR_PYTHON="$*" npx mocha -g "Python|ClientApp|PEFT|language model")
