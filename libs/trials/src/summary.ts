import type { ClientRecord, Metrics, Trial } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { armsOf } from "./arms.js";
import { mean } from "./numbers.js";
import type { ArmRecord } from "./run-folder.js";

/** What a run shows, in numbers that `expect.measures` of a trial file can name. */
export interface Summary {
  readonly name: string;
  readonly seed: number;
  /** Those that ran to their end, the method under study first. */
  readonly arms: readonly string[];
  /** Baselines that could not go on, and why. */
  readonly stopped: Readonly<Record<string, string>>;
  /** What the clients trained with: results repeat on the same one only. */
  readonly backend?: string;
  /** Every measure is a finite number; one that cannot be had (no verdicts, no evaluation) is absent. */
  readonly measures: Readonly<Record<string, number>>;
}

/**
 * Sums a run up. Measures:
 * - `detection.exactRounds`: rounds in which exactly the contaminated clients were flagged;
 * - `detection.recall`, `detection.precision`, `detection.falseAlarms`: of the last round; `…Mean`: over all rounds;
 * - `detection.f1`: harmonic mean of precision and recall, over all rounds;
 * - `detection.recall.<attack>`: of one attack, over all rounds;
 * - `<metric>.<arm>`: mean over the benign clients of the last round, by their own evaluation;
 * - `<metric>.gainOver.<arm>`, `<metric>.ratioTo.<arm>`: the method under study minus, and divided by, a baseline, over
 *   the clients that measured both;
 * - `global.<metric>.<arm>`, `global.<metric>.gainOver.<arm>`, `global.<metric>.ratioTo.<arm>`: likewise of what the
 *   coordinator measured in the last round;
 * - `bytes.up`, `bytes.down`: of the method under study, all rounds.
 * @param stopped baselines that could not go on, and why; they are not compared with
 */
export function summarise(
  trial: Trial,
  records: readonly ArmRecord[],
  stopped: Readonly<Record<string, string>> = {},
): Summary {
  const [{ label: main }, ...others] = armsOf(trial);
  const baselines = others.map(({ label }) => label).filter((label) => !(label in stopped));
  const own = records.filter(({ arm }) => arm === main);
  const lastOf = (arm: string) => records.filter((record) => record.arm === arm).at(-1);
  const clientsOf = (arm: string) => lastOf(arm)?.clients ?? [];
  const globalOf = (arm: string) => prefixed("global.", lastOf(arm)?.metrics ?? {});
  const measures: Record<string, number> = { ...detectionMeasures(own) };
  for (const arm of [main, ...baselines]) {
    const measured = { ...evaluationMeans(clientsOf(arm)), ...globalOf(arm) };
    for (const [metric, value] of Object.entries(measured)) measures[`${metric}.${arm}`] = value;
  }
  for (const arm of baselines) {
    const mine = evaluationMeans(measuredBoth(clientsOf(main), clientsOf(arm)));
    const theirs = evaluationMeans(measuredBoth(clientsOf(arm), clientsOf(main)));
    Object.assign(measures, comparisons(arm, mine, theirs));
    Object.assign(measures, comparisons(arm, globalOf(main), globalOf(arm)));
  }
  measures["bytes.up"] = sum(own.map(({ bytes }) => bytes.up));
  measures["bytes.down"] = sum(own.map(({ bytes }) => bytes.down));
  return { name: trial.name, seed: trial.seed, arms: [main, ...baselines], stopped, measures };
}

function prefixed(prefix: string, metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).map(([name, x]) => [prefix + name, x]));
}

/** Of each metric that both have, the difference and, where there is one, the ratio. */
function comparisons(arm: string, mine: Metrics, theirs: Metrics): Metrics {
  return Object.fromEntries(
    Object.entries(mine).flatMap(([metric, value]) => {
      const base = theirs[metric];
      if (base === undefined) return [];
      const gain = [`${metric}.gainOver.${arm}`, value - base] as const;
      return base === 0 ? [gain] : [gain, [`${metric}.ratioTo.${arm}`, value / base] as const];
    }),
  );
}

/** The clients of one round that measured in the other one too. */
function measuredBoth(clients: readonly ClientRecord[], others: readonly ClientRecord[]) {
  const ids = new Set(others.filter((c) => c.evaluation).map(({ clientId }) => clientId));
  return clients.filter(({ clientId }) => ids.has(clientId));
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
    flagged: flagged.length,
    caught,
    falseAlarms,
    exact: caught === contaminated && falseAlarms === 0,
  };
}

function detectionMeasures(records: readonly ArmRecord[]): Record<string, number> {
  const rounds = records.flatMap(({ clients }) => detectionOf(clients) ?? []);
  const last = rounds.at(-1);
  if (!last) return {};
  const total = {
    contaminated: sum(rounds.map(({ contaminated }) => contaminated)),
    flagged: sum(rounds.map(({ flagged }) => flagged)),
    caught: sum(rounds.map(({ caught }) => caught)),
  };
  const attacks = new Set(records.flatMap(({ clients }) => clients.flatMap((c) => c.attack ?? [])));
  const byAttack = [...attacks].sort().map((attack) => {
    const under = records.flatMap(
      ({ clients }) => detectionOf(clients.filter((client) => client.attack === attack)) ?? [],
    );
    const caught = sum(under.map((round) => round.caught));
    return ratio(`detection.recall.${attack}`, caught, sum(under.map((r) => r.contaminated)));
  });
  return Object.assign(
    {
      "detection.exactRounds": rounds.filter(({ exact }) => exact).length,
      "detection.falseAlarms": last.falseAlarms,
      "detection.falseAlarmsMean":
        sum(rounds.map(({ falseAlarms }) => falseAlarms)) / rounds.length,
    },
    ratio("detection.recall", last.caught, last.contaminated),
    ratio("detection.precision", last.caught, last.flagged),
    ratio("detection.recallMean", total.caught, total.contaminated),
    ratio("detection.precisionMean", total.caught, total.flagged),
    ratio("detection.f1", 2 * total.caught, total.flagged + total.contaminated),
    ...byAttack,
  ) as Record<string, number>;
}

/** Nothing where there is nothing to divide by: no recall without contaminated clients, no precision without flags. */
function ratio(name: string, part: number, whole: number): Record<string, number> {
  return whole === 0 ? {} : { [name]: part / whole };
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
