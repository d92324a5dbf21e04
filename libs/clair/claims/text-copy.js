// The experiment that the paper's abstract names: Transformers learn to copy text. Each of sixteen
// bases counts once.
import { perSeed, withLabels } from "../../../studies/papers/runs.js";

export const basesFile = "studies/clair/text-copy-bases.js";
const bases = { file: basesFile, time: "4 minutes" };
const rules = /** @type {const} */ (["gap", "evidence"]);

const detection = (rule) => ({
  ...bases,
  name: `text-copy-detection-${rule}`,
  claim: "Contaminated clients are detected when Transformers learn to copy text.",
  judge: rule,
  quantity: "bases with all contaminated clients flagged in some round, of four",
  measure: (all) => {
    const runs = withLabels(all, { judge: rule });
    const isFound = ({ measures }) => measures.found === measures.contaminated;
    const hits = perSeed(runs, (rounds) => rounds.some(isFound)).filter(Boolean).length;
    return { hits, of: runs.length / 4 };
  },
  expected: { min: 0.75 },
});

const falseAlarms = (rule) => ({
  ...bases,
  name: `text-copy-false-alarms-${rule}`,
  claim: "Benign clients are not flagged.",
  judge: rule,
  quantity: "bases with a benign client flagged in some round, of four",
  measure: (all) => {
    const runs = withLabels(all, { judge: rule });
    const isFlagged = ({ measures }) => measures.falseAlarms > 0;
    const hits = perSeed(runs, (rounds) => rounds.some(isFlagged)).filter(Boolean).length;
    return { hits, of: runs.length / 4 };
  },
  expected: { max: 0.05 },
});

const gainOver = (baseline, words) => ({
  ...bases,
  name: `text-copy-${baseline}`,
  claim: `Benign clients copy text better than with ${words}.`,
  judge: "evidence",
  quantity: `accuracy minus that of ${baseline}, paired`,
  measure: (all) =>
    withLabels(all, { judge: "accuracy" }).map(
      ({ measures }) => measures.clair - measures[baseline],
    ),
  expected: { min: 0 },
});

export const textCopyClaims = [
  ...rules.map(detection),
  ...rules.map(falseAlarms),
  gainOver("local", "local fine-tuning"),
  gainOver("fedavg", "non-robust federated averaging"),
];
