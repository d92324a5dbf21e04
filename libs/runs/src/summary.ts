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
  records: Iterable<ArmRecord>,
  stopped: Readonly<Record<string, string>> = {},
): Summary {
  const tally = new Tally(trial);
  for (const record of records) tally.add(record);
  return tally.summary(stopped);
}

/** Sums a run up while its rounds come in, as `summarise`: a run's records may outgrow the memory. */
export class Tally {
  readonly #trial: Trial;
  readonly #main: string;
  readonly #baselines: readonly string[];
  /** The last record of each arm. */
  readonly #last = new Map<string, ArmRecord>();
  readonly #rounds: Detection[] = [];
  readonly #attacks = new Map<string, Caught>();
  readonly #bytes = { up: 0, down: 0 };

  constructor(trial: Trial) {
    const [{ label }, ...baselines] = armsOf(trial);
    this.#trial = trial;
    this.#main = label;
    this.#baselines = baselines.map((arm) => arm.label);
  }

  /** @param record of any arm, after all earlier ones of that arm */
  add(record: ArmRecord): void {
    this.#last.set(record.arm, record);
    if (record.arm !== this.#main) return;
    this.#bytes.up += record.bytes.up;
    this.#bytes.down += record.bytes.down;
    const detection = detectionOf(record.clients);
    if (detection) this.#rounds.push(detection);
    for (const client of record.clients) {
      if (client.attack === null || client.verdict === undefined) continue;
      const { caught, contaminated } = this.#attacks.get(client.attack) ?? noneYet;
      this.#attacks.set(client.attack, {
        caught: caught + (isFlagged(client) ? 1 : 0),
        contaminated: contaminated + 1,
      });
    }
  }

  summary(stopped: Readonly<Record<string, string>> = {}): Summary {
    const { name, seed } = this.#trial;
    const main = this.#main;
    const baselines = this.#baselines.filter((label) => !(label in stopped));
    const clientsOf = (arm: string) => this.#last.get(arm)?.clients ?? [];
    const globalOf = (arm: string) => prefixed("global.", this.#last.get(arm)?.metrics ?? {});
    const measures = detectionMeasures(this.#rounds, this.#attacks);
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
    measures["bytes.up"] = this.#bytes.up;
    measures["bytes.down"] = this.#bytes.down;
    return { name, seed, arms: [main, ...baselines], stopped, measures: finite(measures) };
  }
}

/** Of a round that outgrew all numbers there is nothing to compare. */
function finite(measures: Metrics): Metrics {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => Number.isFinite(value)));
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

/** How the verdicts of a round meet the truth. */
interface Detection {
  readonly contaminated: number;
  readonly flagged: number;
  readonly caught: number;
  readonly falseAlarms: number;
  /** Exactly the contaminated were flagged. */
  readonly exact: boolean;
}

/** Of the clients under one attack, over rounds. */
type Caught = Pick<Detection, "caught" | "contaminated">;

const noneYet: Caught = { caught: 0, contaminated: 0 };

/** Of one round; undefined without verdicts. Clients that never reached the aggregator (late, refused) do not count. */
export function detectionOf(clients: readonly ClientRecord[]): Detection | undefined {
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

function detectionMeasures(
  rounds: readonly Detection[],
  attacks: ReadonlyMap<string, Caught>,
): Record<string, number> {
  const last = rounds.at(-1);
  if (!last) return {};
  const total = {
    contaminated: sum(rounds.map(({ contaminated }) => contaminated)),
    flagged: sum(rounds.map(({ flagged }) => flagged)),
    caught: sum(rounds.map(({ caught }) => caught)),
  };
  const byAttack = [...attacks]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([attack, { caught, contaminated }]) =>
      ratio(`detection.recall.${attack}`, caught, contaminated),
    );
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
