import type { ClientRecord, Trial } from "@fedclair/core";
import { armsOf } from "./arms.js";
import type { ArmRecord } from "./run-folder.js";

/** What a run shows, in numbers that `expect.measures` of a trial file can name. */
export interface Summary {
  readonly name: string;
  readonly seed: number;
  readonly arms: readonly string[];
  /** Every measure is a finite number; one that cannot be had (no verdicts, no evaluation) is absent. */
  readonly measures: Readonly<Record<string, number>>;
}

/**
 * Sums a run up. Measures:
 * - `detection.exactRounds`: rounds in which exactly the contaminated clients were flagged;
 * - `detection.recall`, `detection.precision`, `detection.falseAlarms`: of the last round; `…Mean`: over all rounds;
 * - `detection.recall.<attack>`: of one attack, mean over rounds;
 * - `<metric>.<arm>`: mean over the benign clients of the last round, by their own evaluation;
 * - `<metric>.gainOver.<arm>`, `<metric>.ratioTo.<arm>`: the method under study minus, and divided by, a baseline;
 * - `bytes.up`, `bytes.down`: of the method under study, all rounds.
 */
export function summarise(trial: Trial, records: readonly ArmRecord[]): Summary {
  const [{ label: main }, ...others] = armsOf(trial);
  const baselines = others.map(({ label }) => label);
  const own = records.filter(({ arm }) => arm === main);
  const measures: Record<string, number> = { ...detectionMeasures(own) };
  for (const arm of [main, ...baselines]) {
    const last = records.filter((record) => record.arm === arm).at(-1);
    for (const [metric, value] of Object.entries(evaluationMeans(last?.clients ?? []))) {
      measures[`${metric}.${arm}`] = value;
    }
  }
  for (const arm of baselines) {
    for (const key of Object.keys(measures).filter((name) => name.endsWith(`.${arm}`))) {
      const metric = key.slice(0, -arm.length - 1);
      const mine = measures[`${metric}.${main}`];
      const theirs = measures[key];
      if (mine !== undefined && theirs !== undefined) {
        measures[`${metric}.gainOver.${arm}`] = mine - theirs;
        if (theirs !== 0) measures[`${metric}.ratioTo.${arm}`] = mine / theirs;
      }
    }
  }
  measures["bytes.up"] = sum(own.map(({ bytes }) => bytes.up));
  measures["bytes.down"] = sum(own.map(({ bytes }) => bytes.down));
  return { name: trial.name, seed: trial.seed, arms: [main, ...baselines], measures };
}

/** Flagged means excluded from what the benign share, with a verdict that says why. */
export function isFlagged({ verdict }: ClientRecord): boolean {
  return verdict === "contaminated" || verdict === "invalid";
}

/** Of one round; undefined without verdicts. Clients that never reached the aggregator (late, refused) do not count. */
export function detectionOf(clients: readonly ClientRecord[]) {
  const judged = clients.filter(({ verdict }) => verdict !== undefined);
  if (judged.length === 0) return undefined;
  const contaminated = judged.filter(({ attack }) => attack !== null).length;
  const flagged = judged.filter(isFlagged);
  const caught = flagged.filter(({ attack }) => attack !== null).length;
  const falseAlarms = flagged.length - caught;
  return {
    contaminated,
    caught,
    falseAlarms,
    recall: contaminated === 0 ? 1 : caught / contaminated,
    precision: flagged.length === 0 ? 1 : caught / flagged.length,
    exact: caught === contaminated && falseAlarms === 0,
  };
}

function detectionMeasures(records: readonly ArmRecord[]): Record<string, number> {
  const rounds = records.flatMap(({ clients }) => detectionOf(clients) ?? []);
  const last = rounds.at(-1);
  if (!last) return {};
  const attacks = new Set(records.flatMap(({ clients }) => clients.flatMap((c) => c.attack ?? [])));
  const byAttack = [...attacks].sort().map((attack): [string, number] => {
    const recalls = records.flatMap(({ clients }) => {
      const only = clients.filter((client) => client.attack === attack);
      return detectionOf(only)?.recall ?? [];
    });
    return [`detection.recall.${attack}`, mean(recalls)];
  });
  return {
    "detection.exactRounds": rounds.filter(({ exact }) => exact).length,
    "detection.recall": last.recall,
    "detection.precision": last.precision,
    "detection.falseAlarms": last.falseAlarms,
    "detection.recallMean": mean(rounds.map(({ recall }) => recall)),
    "detection.precisionMean": mean(rounds.map(({ precision }) => precision)),
    "detection.falseAlarmsMean": mean(rounds.map(({ falseAlarms }) => falseAlarms)),
    ...Object.fromEntries(byAttack),
  };
}

/** Mean of every evaluation metric over the benign clients that measured. */
export function evaluationMeans(clients: readonly ClientRecord[]): Record<string, number> {
  const evaluations = clients.flatMap(({ attack, evaluation }) =>
    attack === null && evaluation ? [evaluation] : [],
  );
  const metrics = new Set(evaluations.flatMap((evaluation) => Object.keys(evaluation)));
  return Object.fromEntries(
    [...metrics].map((metric) => [metric, mean(evaluations.flatMap((e) => e[metric] ?? []))]),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
