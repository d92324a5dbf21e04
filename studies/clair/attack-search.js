// npm run lab -- attack-search [TRIAL] [--rules LABEL,…] [--evaluations N] [--rounds N] [--seeds N]
// looks for the updates that harm each rule most without being flagged. It compares them with ALIE,
// min-max and IPM. It searches on rounds of some federations, measures on rounds of
// others, and at last runs whole trials with the attack that it found.
import { stream } from "@fedclair/core";
import { loadBackend } from "@fedclair/compute";
import { loadBuiltIn } from "@fedclair/plugins";
import { prepareTrial } from "@fedclair/runs";
import { parseArguments } from "../../scripts/arguments.js";
import { attackRule, knownAttacks, limits } from "./attack-search/attack-rule.js";
import { readRound } from "./attack-search/forge.js";
import { quickClair } from "./attack-search/quick-clair.js";
import { collectRound } from "./attack-search/rounds.js";
import { findSearched, formatEqual, formatFrontier, formatTrials } from "./attack-search/tables.js";
import { runTrials } from "./attack-search/trials.js";

const { values, positionals } = parseArguments({
  options: {
    rules: { type: "string" },
    evaluations: { type: "string", default: "50" },
    rounds: { type: "string", default: "16" },
    seeds: { type: "string", default: "10" },
  },
  allowPositionals: true,
});
const [file = "studies/clair/attack-search/digits.yaml"] = positionals;
const [evaluations, count, seeds] = ["evaluations", "rounds", "seeds"].map((name) => {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  console.error(`error: --${name}: expected a whole number above 0, got '${values[name]}'`);
  process.exit(2);
});

await loadBackend("wasm");
const plugins = await loadBuiltIn();
const { arms, contamination } = await prepareTrial(file, [], () => Promise.resolve(plugins));
const labels = values.rules?.split(",") ?? arms.map(({ label }) => label);
const chosen = labels.map((label) => {
  const arm = arms.find((one) => one.label === label);
  if (arm !== undefined) return arm;
  console.error(
    `error: --rules: expected labels among ${arms.map((one) => one.label).join(", ")}, got '${label}'`,
  );
  process.exit(2);
});
// Searched rounds have the seeds 1 … N. Held-out rounds have the next seeds.
const searched = await collectRounds(1, count);
const others = await collectRounds(count + 1, 2 * count);

const results = [];
for (const { label, choice, aggregator } of chosen) {
  const rng = stream("attack-search");
  const options = { searched, others, plugins, evaluations, rng };
  const quick = choice.name === "clair" ? quickClair(/** @type {any} */ (choice)) : undefined;
  const attacks = await attackRule(aggregator, { ...options, quick });
  results.push({ rule: label, choice, attacks });
  process.stderr.write(`${label}: ${attacks.length} attacks\n`);
}
console.log(formatFrontier(results));
console.log(`\n${formatEqual(results)}`);
const trials = [];
for (const { rule, choice, attacks } of results) {
  const { weights } = findSearched(attacks, limits[0]);
  const named = [...knownAttacks, { name: "searched", weights }];
  for (const attack of [undefined, ...named]) {
    const outcomes = await runTrials(file, choice, plugins, attack, contamination.size, seeds);
    trials.push({ rule, attack: attack?.label ?? attack?.name ?? "none", outcomes });
  }
  process.stderr.write(`${rule}: trials\n`);
}
console.log(`\n${formatTrials(trials)}`);
process.exit(0); // linear algebra and CLAIR leave threads behind

async function collectRounds(first, rounds) {
  const out = [];
  for (let k = 0; k < rounds; k++) {
    const round = await collectRound(file, plugins, [`seed=${first + k}`], contamination.size);
    out.push(readRound(round));
  }
  return out;
}
