import { join } from "node:path";
import { UserError, type Artifact } from "@fedclair/core";
import { listArms, type Arm, type Trial } from "@fedclair/core/internal";
import type { ArmRecord } from "../measures/arm-record.js";
import { HistoryTally, type ClientHistory } from "../measures/client-history.js";
import {
  describeFromRecords,
  noDescription,
  type TrialDescription,
} from "../measures/description.js";
import type { DetectionTotals } from "../measures/detection.js";
import { DrawnRounds } from "../measures/drawn-rounds.js";
import { FailureTally, type Failures } from "../measures/failures.js";
import { readRunTrial } from "../store/read-trial.js";
import { readRunInfo, readSummary } from "../store/stored-run.js";
import { eachRecord } from "../store/record-chain.js";
import { findHolder } from "../store/lock.js";
import { eachLine, readLines } from "../store/lines.js";
import type { ArmTiming } from "../store/arm-timing.js";
import { Tally, type Summary } from "../measures/summary.js";
import { trialHash } from "../store/trial-hash.js";
import { version } from "../words/version.js";

/**
 * The contents of a run folder, complete or not, as needed by pages, tables and figures. It does
 * not hold all records, because they may not fit into memory.
 */
export interface Run extends Records {
  readonly trial: Trial;
  readonly description: TrialDescription;
  readonly timings: Timings;
  readonly artifacts: readonly Artifact[];
  /** The reason, for people, why the clients trained with `summary.backend`; absent if unknown. */
  readonly backendReason?: string;
  /** Did the run complete? */
  readonly isFinished: boolean;
  /** Does a process write the run at the moment? */
  readonly isRunning?: boolean;
}

/** Data computed from the records. */
interface Records {
  /** All arms, the main arm first. */
  readonly arms: readonly [Arm, ...Arm[]];
  /** For an unfinished run, the summary covers the existing records. */
  readonly summary: Summary;
  /** Number of completed rounds by arm label. Arms that never began are absent. */
  readonly rounds: ReadonlyMap<string, number>;
  /** The last record of each arm that began. */
  readonly last: ReadonlyMap<string, ArmRecord>;
  /**
   * Records that figures draw, arm by arm: all rounds of a short run, evenly spaced ones of a long
   * run. With very many clients each has evenly spaced ones.
   */
  readonly drawn: readonly ArmRecord[];
  /** Detection in the main arm. */
  readonly detection: DetectionTotals;
  /** Histories by id of the clients that the main arm sampled, or of evenly spaced ones. */
  readonly clients: ReadonlyMap<string, ClientHistory>;
  /** The numbers of clients of which one is in `drawn` or in `clients`; 1 if all are. */
  readonly spacing: { readonly drawn: number; readonly clients: number };
  readonly failures: Failures;
}

/** Time and memory that a run used. */
interface Timings {
  /** Timings of the rounds that figures draw. */
  readonly drawn: readonly ArmTiming[];
  /** Sums over all rounds. Undefined if there are no timings. */
  readonly total?: {
    /** Seconds spent in training, aggregation and evaluation. */
    readonly seconds: number;
    /** Peak resident memory of the coordinator, in bytes. */
    readonly coordinatorRss: number;
  };
}

/**
 * Reads a run folder.
 * @param description default: derived from the records
 * @param onRecord receives every record, because reading them again takes seconds
 * @throws UserError if its trial or its records are not those that the run wrote
 */
export async function readRun(
  folder: string,
  description?: TrialDescription,
  onRecord?: (record: ArmRecord) => void,
): Promise<Run> {
  const { trial } = readRunTrial(folder);
  const info = readRunInfo(folder);
  if (info?.version === version && info.hash !== trialHash(trial)) {
    throw new UserError(
      `'${join(folder, "trial.yaml")}' differs from the trial of the run (hash ${trialHash(trial)}, and run.json has ${info.hash}): restore it from a copy`,
    );
  }
  const written = readSummary(folder);
  const tally = new RunTally(trial, description);
  for await (const record of eachRecord(folder)) {
    tally.add(record);
    onRecord?.(record);
  }
  const stopped = new Map(Object.entries(written?.stopped ?? {}));
  const records = tally.records(stopped, written !== undefined);
  const { backend, backendReason } = info ?? {};
  return {
    trial,
    ...records,
    summary: { ...(backend !== undefined && { backend }), ...written, ...records.summary },
    description: description ?? describeFromRecords(records.clients),
    timings: await readTimings(folder, records.drawn),
    artifacts: await readLines<Artifact>(folder, "artifacts.jsonl"),
    ...(backendReason !== undefined && { backendReason }),
    isFinished: written !== undefined,
    isRunning: findHolder(folder) !== undefined,
  };
}

/** Collects a run's data while its records come in. */
export class RunTally {
  readonly #arms: Records["arms"];
  readonly #tally: Tally;
  readonly #failures: FailureTally;
  readonly #rounds = new Map<string, number>();
  readonly #drawn: DrawnRounds | undefined;
  readonly #clients = new HistoryTally();

  /** @param isDrawn whether to hold the records that figures draw */
  constructor(
    trial: Trial,
    { metrics }: Pick<TrialDescription, "metrics"> = noDescription,
    isDrawn = true,
  ) {
    this.#drawn = isDrawn ? new DrawnRounds() : undefined;
    this.#arms = listArms(trial);
    this.#tally = new Tally(trial, metrics);
    this.#failures = new FailureTally(this.#arms[0].label);
  }

  /** @param record of any arm, after all earlier ones of that arm */
  add(record: ArmRecord): void {
    const { arm, round, clients, stopped } = record;
    this.#tally.add(record);
    this.#failures.add(record);
    this.#drawn?.add(record);
    if (arm === this.#arms[0].label) this.#clients.add(round, clients);
    if (stopped === undefined) this.#rounds.set(arm, (this.#rounds.get(arm) ?? 0) + 1);
  }

  /**
   * @param stopped arms that could not go on, with the reason, in addition to those whose records
   *   contain it
   * @param isFinished as `Tally.summary`
   */
  records(stopped: ReadonlyMap<string, string> = new Map(), isFinished = true): Records {
    for (const [arm, why] of stopped) this.#tally.stop(arm, why);
    return {
      arms: this.#arms,
      rounds: this.#rounds,
      summary: this.#tally.summary(isFinished),
      detection: this.#tally.detection(),
      last: this.#tally.last,
      drawn: this.#drawn?.records(this.#tally.last) ?? [],
      clients: this.#clients.clients,
      spacing: { drawn: this.#drawn?.clientSpacing ?? 1, clients: this.#clients.spacing },
      failures: this.#failures.failures(),
    };
  }
}

async function readTimings(folder: string, records: readonly ArmRecord[]): Promise<Timings> {
  const rounds = new Set(records.map(({ round }) => round));
  const drawn: ArmTiming[] = [];
  let total: Timings["total"];
  for await (const timing of eachLine<ArmTiming>(folder, "timings.jsonl")) {
    const { train, aggregate, evaluate } = timing.seconds;
    total = {
      seconds: (total?.seconds ?? 0) + (train + aggregate + evaluate),
      coordinatorRss: Math.max(total?.coordinatorRss ?? 0, timing.coordinatorRss),
    };
    if (rounds.has(timing.round)) drawn.push(timing);
  }
  return { drawn, ...(total && { total }) };
}

/** Lists an arm's records that figures draw, in the order of rounds. */
export function armRecords({ drawn }: Pick<Run, "drawn">, label: string): ArmRecord[] {
  return drawn.filter(({ arm }) => arm === label);
}

/** Lists the main arm's records that figures draw. */
export function mainRecords(run: Pick<Run, "drawn" | "arms">): ArmRecord[] {
  return armRecords(run, run.arms[0].label);
}
