import type { Trial } from "@fedclair/core";
import type { Summary } from "../summary.js";

/** One measure of a run, with what the trial file expects of it. */
export interface MeasureRow {
  readonly group: string;
  readonly name: string;
  /** Absent: expected, but the run could not measure it. */
  readonly value: number | undefined;
  readonly meaning: string;
  readonly expected:
    { readonly min?: number | undefined; readonly max?: number | undefined } | undefined;
  /** Absent without an expectation. */
  readonly asExpected: boolean | undefined;
}

/** The measures of a summary, grouped, and those that the trial expects in vain. */
export function measureRows(trial: Trial, summary: Summary): MeasureRow[] {
  const expected = trial.expect?.measures ?? {};
  const names = new Set([...Object.keys(summary.measures), ...Object.keys(expected)]);
  const rows = [...names].map((name): MeasureRow => {
    const value = summary.measures[name];
    const range = expected[name];
    return {
      ...explain(name, summary.arms),
      name,
      value,
      expected: range,
      asExpected:
        range &&
        value !== undefined &&
        value >= (range.min ?? -Infinity) &&
        value <= (range.max ?? Infinity),
    };
  });
  const groups = [...new Set(rows.map(({ group }) => group))];
  return groups.flatMap((group) => rows.filter((row) => row.group === group));
}

const detection: Readonly<Record<string, string>> = {
  exactRounds: "rounds in which exactly the contaminated clients were flagged",
  recall: "share of the contaminated clients that were flagged, last round",
  precision: "share of the flagged clients that are contaminated, last round",
  falseAlarms: "benign clients flagged, last round",
  recallMean: "recall, mean over rounds",
  precisionMean: "precision, mean over rounds",
  f1: "harmonic mean of precision and recall, all rounds",
  falseAlarmsMean: "benign clients flagged, mean over rounds",
};

function explain(name: string, arms: readonly string[]): { group: string; meaning: string } {
  const [main = ""] = arms;
  const ending = (prefix: string) =>
    arms.filter((arm) => name.endsWith(`.${prefix}${arm}`)).sort((a, b) => b.length - a.length)[0];
  if (name.startsWith("detection.")) {
    const key = name.slice("detection.".length);
    const attack = key.startsWith("recall.") ? key.slice("recall.".length) : "";
    const meaning =
      detection[key] ?? `share of the clients under ${attack} that were flagged, mean over rounds`;
    return { group: "Detection", meaning };
  }
  if (name.startsWith("bytes.")) {
    const from = name === "bytes.up" ? "from" : "to";
    return { group: "Traffic", meaning: `bytes ${from} the clients of ${main}, all rounds` };
  }
  const gain = ending("gainOver.");
  if (gain !== undefined) {
    const metric = name.slice(0, -`.gainOver.${gain}`.length);
    return { group: `Evaluation: ${metric}`, meaning: `${main} minus ${gain}` };
  }
  const base = ending("ratioTo.");
  if (base !== undefined) {
    const metric = name.slice(0, -`.ratioTo.${base}`.length);
    return { group: `Evaluation: ${metric}`, meaning: `${main} divided by ${base}` };
  }
  const arm = ending("");
  if (arm === undefined) return { group: "Unknown", meaning: "the run has no such measure" };
  const metric = name.slice(0, -arm.length - 1);
  const meaning = metric.startsWith("global.")
    ? `of ${arm}, by the coordinator, last round`
    : `mean over the benign clients of ${arm} on their own data, last round`;
  return { group: `Evaluation: ${metric}`, meaning };
}
