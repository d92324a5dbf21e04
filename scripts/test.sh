#!/usr/bin/env bash
# Builds and lints everything, tests every project and prints mocha's totals over all of them. npm
# test -- site packages publishing also builds the documentation, installs the packages elsewhere,
# and tries what would be published.
set -euo pipefail
cd "$(dirname "$0")/.."
npx nx run-many -t test lint "$@" --output-style=static | node scripts/test-total.js
