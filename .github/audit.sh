#!/usr/bin/env bash
# The step of action.yml: audits adapters, and writes SARIF and the summary of the job.
set -euo pipefail

adapters=()
while IFS= read -r line; do
  line="${line#"${line%%[![:space:]]*}"}"
  line="${line%"${line##*[![:space:]]}"}"
  [ -z "$line" ] || adapters+=("$line")
done <<<"$ADAPTERS"
if [ "${#adapters[@]}" -eq 0 ]; then
  echo "::error::adapters: expected a folder or a name on each line"
  exit 2
fi

options=(--siblings "$SIBLINGS" --sarif "$SARIF")
read -ra conditions <<<"$FAIL_ON"
for condition in "${conditions[@]}"; do options+=(--fail-on "$condition"); done
[ -z "$BASELINE" ] || options+=(--baseline "$BASELINE")
[ -z "${GITHUB_STEP_SUMMARY:-}" ] || options+=(--summary "$GITHUB_STEP_SUMMARY")

read -ra command <<<"$COMMAND"
code=0
"${command[@]}" audit "${options[@]}" -- "${adapters[@]}" || code=$?
[ -z "${GITHUB_OUTPUT:-}" ] || echo "exit-code=$code" >>"$GITHUB_OUTPUT"
exit "$code"
