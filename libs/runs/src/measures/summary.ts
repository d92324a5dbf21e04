import type { Metrics } from "@fedclair/core";
import type { ClientRecord, Trial } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { listArms } from "@fedclair/core/internal";
import type { ArmRecord } from "./arm-record.js";
import { DetectionTally, type DetectionTotals } from "./detection.js";
import {
  clientEvaluations,
  sharedEvaluations,
  meanMetric,
  metricsIn,
  type ClientMean,
} from "./evaluation.js";
import { LossTally } from "./losses.js";
import { meaningOf, readMetric, createMeasure, type Measure, type MetricInfos } from "./measure.js";
import { TimeTally } from "./time.js";
import { ModMetricsTally } from "./mod-metrics.js";
import { RefinementTally } from "./refinements.js";
import { isUnknown } from "./truth.js";

/** The results of a run, as numbers that `expect.measures` of a trial file can refer to. */
export interface Summary {
  readonly name: string;
  readonly seed: number;
  /**
   * Arms that completed, in the order of the trial file; the main arm comes first if it completed.
   */
  readonly arms: readonly string[];
  /** Arms that could not go on, with the reason. */
  readonly stopped: Readonly<Record<string, string>>;
  /** Arms whose clients ended with params of their own; absent if there are none. */
  readonly personal?: readonly string[];
  /** Clients whose code did not return, with their first hang; absent if there are none. */
  readonly hung?: Readonly<Record<string, string>>;
  /**
   * Attacks that never reached the main arm, because every answer of their clients failed, with the
   * first failure of each; absent if there are none.
   */
  readonly failedAttacks?: Readonly<Record<string, string>>;
  /**
   * The backend that the clients trained with. Results are reproducible only on the same backend.
   */
  readonly backend?: string;
  /**
   * Releases of client hosts other than that of the coordinator, if there were any. The numbers may
   * then not be reproducible.
   */
  readonly otherReleases?: readonly string[];
  /** The metric that arms are compared by first, if the task has one. */
  readonly primary?: string;
  /**
   * The link of the last round (store/record-chain.ts), which binds the summary to the records.
   * Absent until the run is done.
   */
  readonly chain?: string;
  /**
   * Present if the truth about some clients is unknown. Measures of benign clients then include
   * them.
   */
  readonly truth?: "unknown";
  /** Notices about the trial and its data; absent if there are none. */
  readonly notices?: readonly string[];
  /** What guessing reaches, by metric, if the task knows. */
  readonly guessing?: Metrics;
  /** Finite numbers by name. Undefined measures (no verdicts, no evaluation) are absent. */
  readonly measures: Readonly<Record<string, number>>;
  /** The same measures, each with its meaning. */
  readonly details: readonly Measure[];
}

/**
 * Summarises a run. The measures are:
 * - `detection.exactRounds`: rounds in which exactly the contaminated clients were flagged,
 *   counting rounds that judged a contaminated client;
 * - `detection.recall`, `detection.precision`, `detection.falseAlarms`: last round; `…Mean`: all
 *   rounds;
 * - `detection.f1`: harmonic mean of precision and recall over all rounds;
 * - `detection.recall.<attack>`: recall for one attack over all rounds;
 * - `detection.undecided`, `detection.undecidedMean`: undecided clients in the last round, and mean
 *   over rounds; `detection.undecidedContaminated`, `detection.undecidedBenign`: by truth;
 * - `detection.recallOfClients`, `detection.falseAlarmsOfClients`: the last verdict on each client;
 *   present if rounds judge different clients;
 * - `<metric>.<arm>`: mean over the benign clients' own evaluations in the last round;
 * - `<metric>.gainOver.<arm>`, `<metric>.ratioTo.<arm>`: main arm minus baseline, and main arm
 *   divided by baseline, over the clients that measured both;
 * - `global.<metric>.<arm>`, `global.<metric>.gainOver.<arm>`, `global.<metric>.ratioTo.<arm>`: the
 *   same for the coordinator's measurements in the last round;
 * - `clients.lost`, `clients.lost.<arm>`: rounds in which a client's answer never arrived (see
 *   `findLoss`), for the main arm and for each baseline;
 * - `clients.lostContaminated`, `clients.lostContaminated.<arm>`: how many of these were answers of
 *   contaminated clients, so that their attack never arrived; absent if none was asked;
 * - `time.<arm>`: simulated seconds over all rounds, if the trial has `devices`;
 * - `target.rounds.<arm>`, `target.seconds.<arm>`: the first round in which the metric of `target`
 *   reached its value, and the simulated time at its end. The metric is the benign clients' mean,
 *   or else the coordinator's value. Absent if the target was not reached;
 * - `bytes.up`, `bytes.down`: traffic of the main arm over all rounds;
 * - `refinement.<kind>`: choices of benign clients of the main arm over all rounds, by what they
 *   continue with; present if the trial holds back data;
 * - `mods.<mod>.<metric>`: the largest value that a mod reported for a client that is not
 *   contaminated, in the main arm.
 *
 * An arm that stopped has only its losses. Clients of unknown truth are neither hits nor false
 * alarms. They count as benign in evaluations.
 * @param infos descriptions of the task's metrics
 * @param stopped arms that could not go on, with the reason, in addition to those whose records
 *   contain it
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

/**
 * Summarises a run like `summarise`, but record by record, because a run's records may not fit into
 * memory.
 */
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
  readonly #modMetrics = new ModMetricsTally();
  readonly #refinements = new RefinementTally();
  readonly #hung = new Map<string, string>();
  readonly #failedAttacks = new Map<string, string>();
  readonly #sentAttacks = new Set<string>();
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
    for (const client of clients) this.#findHang(client, record);
    if (stopped !== undefined) this.stop(arm, `round ${record.round}: ${stopped}`);
    if (arm !== this.#main) return;
    for (const client of clients) this.#findFailedAttack(client, record);
    this.#bytes.up += bytes.up;
    this.#bytes.down += bytes.down;
    this.#modMetrics.add(clients);
    this.#refinements.add(clients);
    if (stopped === undefined) this.#detection.add(clients);
  }

  /** The last record of each arm. */
  get last(): ReadonlyMap<string, ArmRecord> {
    return this.#last;
  }

  /** Compares the verdicts of the main arm with the truth. */
  detection(): DetectionTotals {
    return this.#detection.totals();
  }

  /** Marks an arm as stopped. @param why begins with the round */
  stop(arm: string, why: string): void {
    this.#stopped.set(arm, why);
  }

  /** @param isFinished if false, only arms that are as far as the main arm are measured */
  summary(isFinished = true): Summary {
    const { name, seed } = this.#trial;
    const main = this.#main;
    const reached = this.#last.get(main)?.round;
    const arms = this.#labels.filter(
      (label) =>
        !this.#stopped.has(label) && (isFinished || this.#last.get(label)?.round === reached),
    );
    const baselines = arms.filter((label) => label !== main);
    const hasMainCompleted = !this.#stopped.has(main);
    const details = [
      ...(hasMainCompleted ? this.#detection.measures() : []),
      ...arms.flatMap((arm) => this.#measureArm(arm, arms)),
      ...(hasMainCompleted ? baselines.flatMap((arm) => this.#compareWith(arm)) : []),
      ...[...this.#losses].flatMap(([arm, losses]) =>
        losses.measures(arm === main ? undefined : arm),
      ),
      ...arms.flatMap((arm) => this.#times.get(arm)?.measures(arm) ?? []),
      ...(hasMainCompleted
        ? [
            ...measureTraffic(this.#bytes),
            ...this.#refinements.measures(),
            ...this.#modMetrics.measures(),
          ]
        : []),
    ].filter(({ value }) => Number.isFinite(value)); // a diverged round may have Infinity or NaN
    return {
      name,
      seed,
      arms,
      stopped: Object.fromEntries(this.#stopped),
      ...(this.#hung.size > 0 && { hung: Object.fromEntries(this.#hung) }),
      ...(this.#failedAttacks.size > 0 && {
        failedAttacks: Object.fromEntries(this.#failedAttacks),
      }),
      ...(this.#isUnknown && { truth: "unknown" }),
      measures: Object.fromEntries(details.map((measure) => [measure.name, measure.value])),
      details,
    };
  }

  /** Notes the first hang of a client, of any arm. */
  #findHang(
    { clientId, failure, refinementFailure, evaluationFailure }: ClientRecord,
    { arm, round }: ArmRecord,
  ): void {
    if (this.#hung.has(clientId)) return;
    const all = [failure, refinementFailure, evaluationFailure];
    const hang = all.find((one) => one?.code === "CLIENT_HUNG");
    if (hang) this.#hung.set(clientId, `${arm}, round ${round}: ${hang.message}`);
  }

  /** Notes the first failure of an attack until a client of it sends a usable update. */
  #findFailedAttack({ clientId, attack, failure }: ClientRecord, { round }: ArmRecord): void {
    if (attack === null || this.#sentAttacks.has(attack)) return;
    if (!failure) {
      this.#sentAttacks.add(attack);
      this.#failedAttacks.delete(attack);
    } else if (!this.#failedAttacks.has(attack)) {
      this.#failedAttacks.set(attack, `${clientId}, round ${round}: ${failure.message}`);
    }
  }

  #lastEvaluations(arm: string): ReadonlyMap<string, Metrics> {
    return clientEvaluations(this.#last.get(arm)?.clients ?? []);
  }

  #lastGlobals(arm: string): Metrics {
    return this.#last.get(arm)?.metrics ?? {};
  }

  /**
   * Measures what the coordinator measured in one arm, and the means of its clients over those that
   * measured in all arms.
   */
  #measureArm(arm: string, arms: readonly string[]): Measure[] {
    const evaluations = arms.map((one) => this.#lastEvaluations(one));
    const ofClients = metricsIn(this.#lastEvaluations(arm)).flatMap((metric) => {
      const mean = meanMetric(
        item(sharedEvaluations(evaluations, metric), arms.indexOf(arm)),
        metric,
      );
      return mean ? [this.#createMeasure({ scope: "clients", metric, arm }, mean)] : [];
    });
    const ofCoordinator = Object.entries(this.#lastGlobals(arm)).map(([metric, value]) =>
      this.#createMeasure({ scope: "global", metric, arm }, { mean: value }),
    );
    return [...ofClients, ...ofCoordinator];
  }

  #compareWith(arm: string): Measure[] {
    const [mine, theirs] = [this.#lastEvaluations(this.#main), this.#lastEvaluations(arm)];
    const ofClients = metricsIn(mine).flatMap((metric) => {
      const [own, other] = sharedEvaluations([mine, theirs], metric).map((common) =>
        meanMetric(common, metric),
      );
      return this.#compareValues({ scope: "clients", metric }, arm, own, other);
    });
    const ofCoordinator = Object.entries(this.#lastGlobals(this.#main)).flatMap(
      ([metric, value]) => {
        const other = readMetric(this.#lastGlobals(arm), metric);
        const base = other === undefined ? undefined : { mean: other };
        return this.#compareValues({ scope: "global", metric }, arm, { mean: value }, base);
      },
    );
    return [...ofClients, ...ofCoordinator];
  }

  /**
   * Compares the main arm with a baseline: the difference and, unless the baseline is 0, the ratio.
   */
  #compareValues(
    what: Pick<Measure, "scope" | "metric">,
    arm: string,
    own: MetricValue | undefined,
    base: MetricValue | undefined,
  ): Measure[] {
    if (!own || !base) return [];
    const about = { ...what, arm: this.#main };
    const gain = { ...about, comparison: { kind: "gainOver", arm } } as const;
    const ratio = { ...about, comparison: { kind: "ratioTo", arm } } as const;
    const measured = [this.#createMeasure(gain, { ...own, mean: own.mean - base.mean })];
    if (base.mean === 0) return measured;
    // With a negative base, a ratio above 1 may be worse or better.
    const hasDirection = base.mean > 0;
    return [
      ...measured,
      this.#createMeasure(ratio, { ...own, mean: own.mean / base.mean }, hasDirection),
    ];
  }

  #createMeasure(
    about: Pick<Measure, "scope" | "metric" | "arm" | "comparison">,
    { mean, n }: MetricValue,
    hasDirection = true,
  ): Measure {
    const { unit, better } = meaningOf(about.metric, this.#infos);
    const isRatio = about.comparison?.kind === "ratioTo";
    return createMeasure({
      ...about,
      value: mean,
      ...(n !== undefined && { n }),
      ...(hasDirection && better && { better }),
      ...(!isRatio && unit && { unit }),
    });
  }
}

/** A number, with the number of clients if it is a mean over clients. */
type MetricValue = Pick<ClientMean, "mean"> & Partial<ClientMean>;

function measureTraffic(bytes: { readonly up: number; readonly down: number }): Measure[] {
  return (["up", "down"] as const).map((metric) =>
    createMeasure({ scope: "bytes", metric, value: bytes[metric], better: "lower", unit: "B" }),
  );
}
