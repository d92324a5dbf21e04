#!/usr/bin/env bash
# npm run test:browser: installs Debian's Chromium with apt if this user may, and tests the live page
# and the report in it. npm test also runs these tests if Chromium is installed, except for the
# measurements of large runs, which run only here.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v chromium > /dev/null; then
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends chromium; }; then
    echo "cannot install chromium: tests in a browser are skipped" >&2
  fi
fi
(cd e2e && npx mocha --grep "in a browser")
if command -v chromium > /dev/null; then
  node studies/speed/page-speed.js
  node studies/speed/report-speed.js
fi
