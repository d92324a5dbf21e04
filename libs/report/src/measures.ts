import type { Trial } from "@fedclair/core";
import { isWithin, type Summary } from "@fedclair/runs";

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
      ...explain(name, trial.task.name, summary.arms),
      name,
      value,
      expected: range,
      asExpected: range && isWithin(value, range),
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
  recallMean: "share of the contaminated clients that were flagged, all rounds together",
  precisionMean: "share of the flagged clients that are contaminated, all rounds together",
  f1: "harmonic mean of precision and recall, all rounds together",
  falseAlarmsMean: "benign clients flagged, mean over rounds",
};

interface Explained {
  readonly group: string;
  readonly meaning: string;
}

function explain(name: string, task: string, arms: readonly string[]): Explained {
  const [main = ""] = arms;
  if (name.startsWith("detection.")) {
    const key = name.slice("detection.".length);
    const attack = key.startsWith("recall.") ? key.slice("recall.".length) : "";
    const meaning =
      detection[key] ??
      `share of the clients under ${attack} that were flagged, all rounds together`;
    return { group: "Detection", meaning };
  }
  if (name.startsWith("bytes.")) {
    const from = name === "bytes.up" ? "from" : "to";
    return { group: "Traffic", meaning: `bytes ${from} the clients of ${main}, all rounds` };
  }
  const ofCoordinator = "global.";
  return name.startsWith(ofCoordinator)
    ? explainMetric(name.slice(ofCoordinator.length), arms, {
        group: "Coordinator",
        source: `measured at the coordinator, by the task ${task} or the aggregator, last round`,
      })
    : explainMetric(name, arms, {
        group: "Evaluation",
        source: "mean over the benign clients on their own data, last round",
      });
}

/** Of `<metric>.<arm>`, `<metric>.gainOver.<arm>` and `<metric>.ratioTo.<arm>`. */
function explainMetric(
  name: string,
  arms: readonly string[],
  { group, source }: { readonly group: string; readonly source: string },
): Explained {
  const [main = ""] = arms;
  const explained = (infix: string, what: (arm: string) => string): Explained | undefined => {
    const [arm] = arms
      .filter((label) => name.endsWith(`.${infix}${label}`))
      .sort((a, b) => b.length - a.length);
    if (arm === undefined) return undefined;
    const metric = name.slice(0, -`.${infix}${arm}`.length);
    return { group: `${group}: ${metric}`, meaning: `${what(arm)}; ${source}` };
  };
  return (
    explained("gainOver.", (arm) => `${main} minus ${arm}`) ??
    explained("ratioTo.", (arm) => `${main} divided by ${arm}`) ??
    explained("", (arm) => arm) ?? { group: "Unknown", meaning: "the run has no such measure" }
  );
}
