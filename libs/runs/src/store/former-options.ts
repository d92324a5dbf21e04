import { isDeepStrictEqual } from "node:util";
import type { PluginChoice, Trial } from "@fedclair/core/internal";

/** Options of CLAIR that were removed, with the value that the constants have. */
const removed: Readonly<Record<string, unknown>> = {
  solver: "trimmed",
  normalize: "unit",
  subsetStarts: "auto",
  keepStarts: 3,
  maxSteps: 50,
  gapMin2: 1.6,
  madC: 5,
  madEta: 0.25,
  scoreFloor: 1e-6,
  leaveOneOut: true,
  leaveOneOutMax: 128,
  refits: 10,
  pooling: "energy",
  zeroTol: 1e-12,
  minClients: 3,
  offSubspace: "mean",
  clipOff: 2,
};

/** Names that removed options had before. */
const oldest: Readonly<Record<string, string>> = {
  cSteps: "maxSteps",
  loo: "leaveOneOut",
  looMax: "leaveOneOutMax",
};

/** Options that belong to a rule now. */
const ofRules = ["falseAlarmRate", "undecided", "gapMin", "fixedThreshold"];

/** Names whose presence shows that an earlier release wrote a trial. */
export const formerNames = [...Object.keys(removed), ...Object.keys(oldest), ...ofRules];

/** Something with the present options, from a run folder of this release or an earlier one. */
export interface Updated<T> {
  readonly now: T;
  /**
   * The removed options with a value of their own, as `normalize: winsor`. They are dropped, and
   * the numbers cannot be computed again.
   */
  readonly lost: readonly string[];
}

/** Converts the options of all arms to the present ones. */
export function updateTrial(trial: Trial): Updated<Trial> {
  const main = updateChoice(trial.aggregator);
  const others = trial.baselines.map(({ aggregator }) => updateChoice(aggregator));
  return {
    now: {
      ...trial,
      aggregator: main.now,
      baselines: trial.baselines.map((baseline, i) => {
        return { ...baseline, aggregator: others[i]?.now ?? baseline.aggregator };
      }),
    },
    lost: [main, ...others].flatMap(({ lost }) => lost),
  };
}

/** Converts the options of CLAIR to the present ones. Other aggregators stay as they are. */
export function updateChoice(choice: PluginChoice): Updated<PluginChoice> {
  if (choice.name !== "clair") return { now: choice, lost: [] };
  const given = new Map(Object.entries(choice).map(([key, value]) => [oldest[key] ?? key, value]));
  const rule = updateRule(given);
  const now = [...given].flatMap(([key, value]): [string, unknown][] => {
    if (key === "rule") return rule === undefined ? [] : [[key, rule]];
    return key in removed || ofRules.includes(key) ? [] : [[key, value]];
  });
  const lost = [...given].filter(([key, value]) => {
    if (key === "rule") return rule === undefined;
    // Rule evidence looks for gaps too.
    if (key === "gapMin") return given.get("rule") === "evidence" && value !== 1.3;
    return key in removed && !isDeepStrictEqual(value, removed[key]);
  });
  return {
    now: Object.fromEntries(now) as PluginChoice,
    lost: lost.map(([key, value]) => `${key}: ${String(value)}`),
  };
}

/** Returns the present form of a rule; undefined for one that was removed. */
function updateRule(given: ReadonlyMap<string, unknown>): unknown {
  const by = given.get("rule");
  if (by === "gap") return { by, minGap: given.get("gapMin") };
  if (by === "fixed") return { by, maxSine: given.get("fixedThreshold") };
  if (by === "none") return { by };
  if (by === "evidence") {
    const [falseAlarmRate, undecided] = [given.get("falseAlarmRate"), given.get("undecided")];
    return { by, falseAlarmRate, undecided };
  }
  return typeof by === "string" ? undefined : by;
}
