import type { Metrics } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { listArms } from "@fedclair/core/internal";
import type { ArmRecord } from "./arm-record.js";
import { DetectionTally, type Detected } from "./detection.js";
import {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  type ClientMean,
} from "./evaluation.js";
import { LossTally } from "./losses.js";
import { meaningOf, readMetric, named, type Measure, type MetricInfos } from "./measure.js";
import { TimeTally } from "./time.js";
import { ToldTally } from "./told.js";
import { isUnknown } from "./truth.js";

/** What a run shows, in numbers that `expect.measures` of a trial file can name. */
export interface Summary {
  readonly name: string;
  readonly seed: number;
  /** Those that ran to their end, in the order of the trial file: the method under study first, if it did. */
  readonly arms: readonly string[];
  /** Methods that could not go on, and why. */
  readonly stopped: Readonly<Record<string, string>>;
  /** What the clients trained with: results repeat on the same one only. */
  readonly backend?: string;
  /** The metric by which methods are compared first, if the task has one. */
  readonly primary?: string;
  /** Present where nobody knows of clients whether they are contaminated: what is said of benign ones is then said of these. */
  readonly truth?: "unknown";
  /** By name. Every measure is a finite number; one that cannot be had (no verdicts, no evaluation) is absent. */
  readonly measures: Readonly<Record<string, number>>;
  /** The same, with what each is a number of. */
  readonly details: readonly Measure[];
}

/**
 * Sums a run up. Measures:
 * - `detection.exactRounds`: rounds in which exactly the contaminated clients were flagged, of those that judged one;
 * - `detection.recall`, `detection.precision`, `detection.falseAlarms`: of the last round; `…Mean`: over all rounds;
 * - `detection.f1`: harmonic mean of precision and recall, over all rounds;
 * - `detection.recall.<attack>`: of one attack, over all rounds;
 * - `detection.undecidedMean`: clients of which the aggregator could not tell, mean over rounds; absent where there were none;
 * - `detection.recallOfClients`, `detection.falseAlarmsOfClients`: of every client as it was judged last, where rounds judge different ones;
 * - `<metric>.<arm>`: mean over the benign clients of the last round, by their own evaluation;
 * - `<metric>.gainOver.<arm>`, `<metric>.ratioTo.<arm>`: the method under study minus, and divided by, a baseline, over
 *   the clients that measured both;
 * - `global.<metric>.<arm>`, `global.<metric>.gainOver.<arm>`, `global.<metric>.ratioTo.<arm>`: likewise of what the
 *   coordinator measured in the last round;
 * - `clients.lost`, `clients.lost.<arm>`: rounds in which no answer of a benign client came (see `lossOf`), of the method
 *   under study and of each baseline;
 * - `time.<arm>`: simulated seconds that all rounds took, where there are `devices`;
 * - `target.rounds.<arm>`, `target.seconds.<arm>`: the first round in which the metric of `target` had reached its value, by the mean of
 *   the benign clients, else by the coordinator's, and the simulated time at its end; absent where it was not reached;
 * - `bytes.up`, `bytes.down`: of the method under study, all rounds;
 * - `mods.<mod>.<metric>`: the largest that a mod told of a client that is not contaminated, of the method under study.
 *
 * Of a method that stopped there is only `clients.lost`. Clients whose truth is unknown are neither hits nor false alarms;
 * they count among the benign where clients measure and where they are lost.
 * @param infos of the task's metrics
 * @param stopped methods that could not go on, and why, beside those whose records say so
 */
export function summarise(
  trial: Trial,
  infos: MetricInfos,
  records: Iterable<ArmRecord>,
  stopped: ReadonlyMap<string, string> = new Map(),
): Summary {
  const tally = new Tally(trial, infos);
  for (const record of records) tally.add(record);
  for (const [arm, why] of stopped) tally.stop(arm, why);
  return tally.summary();
}

/** Sums a run up while its rounds come in, as `summarise`: a run's records may outgrow the memory. */
export class Tally {
  readonly #trial: Trial;
  readonly #infos: MetricInfos;
  readonly #main: string;
  readonly #labels: readonly string[];
  readonly #last = new Map<string, ArmRecord>();
  readonly #losses: ReadonlyMap<string, LossTally>;
  readonly #times: ReadonlyMap<string, TimeTally>;
  readonly #stopped = new Map<string, string>();
  readonly #detection = new DetectionTally();
  readonly #told = new ToldTally();
  readonly #bytes = { up: 0, down: 0 };
  #isUnknown = false;

  constructor(trial: Trial, infos: MetricInfos) {
    this.#trial = trial;
    this.#infos = infos;
    this.#labels = listArms(trial).map(({ label }) => label);
    this.#main = listArms(trial)[0].label;
    this.#losses = new Map(this.#labels.map((label) => [label, new LossTally()]));
    this.#times = new Map(this.#labels.map((label) => [label, new TimeTally(trial.target, infos)]));
  }

  /** @param record of any arm, after all earlier ones of that arm */
  add(record: ArmRecord): void {
    const { arm, stopped, clients, bytes } = record;
    this.#last.set(arm, record);
    this.#losses.get(arm)?.add(clients);
    this.#times.get(arm)?.add(record);
    this.#isUnknown ||= isUnknown(clients);
    if (stopped !== undefined) this.stop(arm, `round ${record.round}: ${stopped}`);
    if (arm !== this.#main) return;
    this.#bytes.up += bytes.up;
    this.#bytes.down += bytes.down;
    this.#told.add(clients);
    if (stopped === undefined) this.#detection.add(clients);
  }

  /** The last record of each arm. */
  get last(): ReadonlyMap<string, ArmRecord> {
    return this.#last;
  }

  /** What the verdicts of the method under study were worth. */
  detected(): Detected {
    return this.#detection.detected();
  }

  /** An arm could not go on. @param why begins with the round */
  stop(arm: string, why: string): void {
    this.#stopped.set(arm, why);
  }

  /** @param isFinished else only methods that came as far as the one under study are measured */
  summary(isFinished = true): Summary {
    const { name, seed } = this.#trial;
    const main = this.#main;
    const reached = this.#last.get(main)?.round;
    const arms = this.#labels.filter(
      (label) =>
        !this.#stopped.has(label) && (isFinished || this.#last.get(label)?.round === reached),
    );
    const baselines = arms.filter((label) => label !== main);
    const isWhole = !this.#stopped.has(main);
    const details = [
      ...(isWhole ? this.#detection.measures() : []),
      ...arms.flatMap((arm) => this.#ownMeasures(arm, arms)),
      ...(isWhole ? baselines.flatMap((arm) => this.#comparisons(arm)) : []),
      ...[...this.#losses].map(([arm, losses]) => losses.measure(arm === main ? undefined : arm)),
      ...arms.flatMap((arm) => this.#times.get(arm)?.measures(arm) ?? []),
      ...(isWhole ? [...traffic(this.#bytes), ...this.#told.measures()] : []),
    ].filter(({ value }) => Number.isFinite(value)); // of a round that outgrew all numbers there is nothing to tell
    return {
      ...{ name, seed, arms, stopped: Object.fromEntries(this.#stopped) },
      ...(this.#isUnknown && { truth: "unknown" }),
      measures: Object.fromEntries(details.map((measure) => [measure.name, measure.value])),
      details,
    };
  }

  #evaluations(arm: string): ReadonlyMap<string, Metrics> {
    return clientEvaluations(this.#last.get(arm)?.clients ?? []);
  }

  #globals(arm: string): Metrics {
    return this.#last.get(arm)?.metrics ?? {};
  }

  /** What the coordinator of one arm measured, and the clients that measured it under all arms. */
  #ownMeasures(arm: string, arms: readonly string[]): Measure[] {
    const methods = arms.map((one) => this.#evaluations(one));
    const ofClients = metricsIn(this.#evaluations(arm)).flatMap((metric) => {
      const mean = meanMetric(item(sharedEvaluations(methods, metric), arms.indexOf(arm)), metric);
      return mean ? [this.#measure({ scope: "clients", metric, arm }, mean)] : [];
    });
    const ofCoordinator = Object.entries(this.#globals(arm)).map(([metric, value]) =>
      this.#measure({ scope: "global", metric, arm }, { mean: value }),
    );
    return [...ofClients, ...ofCoordinator];
  }

  #comparisons(arm: string): Measure[] {
    const [mine, theirs] = [this.#evaluations(this.#main), this.#evaluations(arm)];
    const ofClients = metricsIn(mine).flatMap((metric) => {
      const [own, other] = sharedEvaluations([mine, theirs], metric).map((common) =>
        meanMetric(common, metric),
      );
      return this.#compared({ scope: "clients", metric }, arm, own, other);
    });
    const ofCoordinator = Object.entries(this.#globals(this.#main)).flatMap(([metric, value]) => {
      const other = readMetric(this.#globals(arm), metric);
      const base = other === undefined ? undefined : { mean: other };
      return this.#compared({ scope: "global", metric }, arm, { mean: value }, base);
    });
    return [...ofClients, ...ofCoordinator];
  }

  /** The difference and, where there is one, the ratio. */
  #compared(
    what: Pick<Measure, "scope" | "metric">,
    arm: string,
    own: Taken | undefined,
    base: Taken | undefined,
  ): Measure[] {
    if (!own || !base) return [];
    const about = { ...what, arm: this.#main };
    const gain = { ...about, comparison: { kind: "gainOver", arm } } as const;
    const ratio = { ...about, comparison: { kind: "ratioTo", arm } } as const;
    const measured = [this.#measure(gain, { ...own, mean: own.mean - base.mean })];
    if (base.mean === 0) return measured;
    // A negative base turns the scale round: more than one may be worse as well as better.
    const hasEnds = base.mean > 0;
    return [...measured, this.#measure(ratio, { ...own, mean: own.mean / base.mean }, hasEnds)];
  }

  #measure(
    about: Pick<Measure, "scope" | "metric" | "arm" | "comparison">,
    { mean, n }: Taken,
    hasEnds = true,
  ): Measure {
    const { unit, better } = meaningOf(about.metric, this.#infos);
    const isRatio = about.comparison?.kind === "ratioTo";
    return named({
      ...{ ...about, value: mean, ...(n !== undefined && { n }) },
      ...{ ...(hasEnds && better && { better }), ...(!isRatio && unit && { unit }) },
    });
  }
}

/** A number, and over how many clients it is a mean, if it is one. */
type Taken = Pick<ClientMean, "mean"> & Partial<ClientMean>;

function traffic(bytes: { readonly up: number; readonly down: number }): Measure[] {
  return (["up", "down"] as const).map((metric) =>
    named({ scope: "bytes", metric, value: bytes[metric], better: "lower", unit: "B" }),
  );
}
