// The claims on federations that train: each judge on the same rounds. The claims in memory, which
// take seconds, show that they fall with a broken judge.
import { trials } from "../../../studies/clair/judge-trials.js";
import { perSeed, withLabels } from "../../../studies/papers/runs.js";
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
});

const falseAlarms = (rule) => ({
  name: `training-false-alarms-${rule}`,
  claim: "Benign clients of the same federations, with and without contaminated ones, are not.",
  file: trainingFile,
  judge: rule,
  quantity: "federations with a benign client flagged",
  // Without contaminated clients the two trials of networks are the same.
  measure: (all) => {
    const [, network] = Object.keys(trials);
    const isAgain = (run) =>
      run.at("clean") === "true" &&
      run.at("trial").startsWith("network") &&
      run.at("trial") !== network;
    return countRuns(
      withLabels(all, { judge: rule }).filter((run) => !isAgain(run)),
      ({ measures }) => measures.falseAlarms > 0,
    );
  },
  expected: { max: 0.05 },
});

export const attacksFile = "studies/clair/judge-attacks.js";

const attacked = (rule) => ({
  name: `attacks-${rule}`,
  claim: "Benign clients are not flagged while others attack, in any of eighteen ways.",
  file: attacksFile,
  time: "1 minute",
  judge: rule,
  quantity: "draws of clients with a benign one flagged under some attack, linear regression",
  // Under every attack, a seed has the same honest updates.
  measure: (all) => {
    const runs = withLabels(all, { judge: rule });
    const isFlagged = ({ measures }) => measures.falseAlarms > 0;
    const flagged = perSeed(runs, (attacks) => attacks.some(isFlagged));
    return { hits: flagged.filter(Boolean).length, of: flagged.length };
  },
  expected: { max: 0.05 },
});

export const trainingClaims = [
  ...Object.keys(trials).flatMap((trial) => rules.map((rule) => detection(trial, rule))),
  ...rules.map(falseAlarms),
  ...rules.map(attacked),
];
