#!/usr/bin/env bash
# Builds and lints everything, tests every project and prints mocha's totals over all of them. npm
# test -- site packages also builds the documentation, and installs the packages elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
npx nx run-many -t test lint "$@" --output-style=static | node scripts/test-total.js
