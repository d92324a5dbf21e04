#!/usr/bin/env bash
# Builds everything, lints it, tests every project, and closes with mocha's totals over all of them.
set -euo pipefail
cd "$(dirname "$0")/.."
npx nx run-many -t test lint --output-style=static | node scripts/test-total.js
