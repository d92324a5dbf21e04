// The claims on federations that train: each judge on the same rounds.
import { trials } from "../../../studies/clair/judge-trials.js";
import { withLabels } from "../../../studies/papers/runs.js";
import { groupBy } from "../../../studies/support/group-by.js";
import { flagsAll, flagsNobody } from "./faults.js";
import { countRuns } from "./theory.js";

export const trainingFile = "studies/clair/judge-trials.js";
const rules = /** @type {const} */ (["gap", "evidence"]);

const detection = (trial, rule) => ({
  name: `${trial.split(",")[0].replace(" ", "-")}-${trial.split(" ").at(-2)}-${rule}`,
  claim: `Contaminated clients are detected: ${trial}.`,
  file: trainingFile,
  judge: rule,
  quantity: "federations with all contaminated clients flagged",
  measure: (all) =>
    countRuns(
      withLabels(all, { trial, judge: rule, clean: "false" }),
      ({ measures }) => measures.found === measures.contaminated,
    ),
  expected: { min: 0.7 },
  faults: [flagsNobody[rule]],
});

/** Counts the draws of clients: with any attack and without, a seed has the same honest updates. */
function countDraws(runs, drawOf) {
  const draws = [...groupBy(runs, drawOf).values()];
  const flagged = draws.filter((own) => own.some(({ measures }) => measures.falseAlarms > 0));
  return { hits: flagged.length, of: draws.length };
}

const falseAlarms = (rule) => ({
  name: `training-false-alarms-${rule}`,
  claim: "Benign clients of the same federations, with and without contaminated ones, are not.",
  file: trainingFile,
  judge: rule,
  quantity: "draws of clients with a benign one flagged",
  measure: (all) =>
    countDraws(withLabels(all, { judge: rule }), (run) => {
      const [task] = run.at("trial").split(",");
      return `${task} ${run.seed}`;
    }),
  expected: { max: 0.05 },
  faults: [flagsAll[rule]],
});

export const attacksFile = "studies/clair/judge-attacks.js";

const attacked = (rule) => ({
  name: `attacks-${rule}`,
  claim: "Benign clients are not flagged while others attack, in any of eighteen ways.",
  file: attacksFile,
  time: "1 minute",
  judge: rule,
  quantity: "draws of clients with a benign one flagged under some attack, linear regression",
  measure: (all) => countDraws(withLabels(all, { judge: rule }), ({ seed }) => seed),
  expected: { max: 0.05 },
});

export const trainingClaims = [
  ...Object.keys(trials).flatMap((trial) => rules.map((rule) => detection(trial, rule))),
  ...rules.map(falseAlarms),
  ...rules.map(attacked),
];
