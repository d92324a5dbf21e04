import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact } from "@fedclair/core";
import type { Trial } from "@fedclair/core/internal";
import { parse } from "yaml";
import { listArms, type Arm } from "@fedclair/core/internal";
import type { ArmRecord } from "./arm-record.js";
import { ClientHistories, type ClientHistory } from "./client-history.js";
import { describedBy, noDescription, type TrialDescription } from "./description.js";
import type { Detected } from "./detection.js";
import { DrawnRounds } from "./drawn-rounds.js";
import { FailureTally, type Failures } from "./failures.js";
import { readRunInfo, readSummary } from "./store/held-run.js";
import { eachLine, readLines } from "./store/lines.js";
import type { ArmTiming } from "./store/run-folder.js";
import { Tally, type Summary } from "./summary.js";

/** What a run folder holds, as far as the run came: what pages, tables and figures need, for its records may outgrow the memory. */
export interface Run extends Records {
  readonly trial: Trial;
  readonly description: TrialDescription;
  readonly timings: Timings;
  readonly artifacts: readonly Artifact[];
  /** For people: why the clients trained with `summary.backend`, where that is known. */
  readonly backendReason?: string;
  /** Did the run come to its end? */
  readonly isFinished: boolean;
}

/** What records come to. */
interface Records {
  /** The method under study first. */
  readonly arms: readonly [Arm, ...Arm[]];
  /** Of a run that was stopped before its end, of as many records as there are. */
  readonly summary: Summary;
  /** Rounds that each arm brought to their end, by its label; none of an arm that never began. */
  readonly rounds: ReadonlyMap<string, number>;
  /** The last record of each arm that began. */
  readonly last: ReadonlyMap<string, ArmRecord>;
  /** Records of all rounds, or of evenly spaced ones where those would be too many, arm by arm. */
  readonly drawn: readonly ArmRecord[];
  /** Of the method under study. */
  readonly detected: Detected;
  /** By id, those that the method under study ever sampled. */
  readonly clients: ReadonlyMap<string, ClientHistory>;
  readonly failures: Failures;
}

/** Time and memory that a run took. */
export interface Timings {
  /** Of the rounds that are drawn. */
  readonly drawn: readonly ArmTiming[];
  /** Over all rounds. Undefined where nothing was written. */
  readonly total?: {
    /** In training, aggregation and evaluation. */
    readonly seconds: number;
    /** Peak resident memory of the coordinator, in bytes. */
    readonly coordinatorRss: number;
  };
}

/** @param description default: what the records tell */
export async function readRun(folder: string, description?: TrialDescription): Promise<Run> {
  // Written by RunFolder from a trial that passed its schema.
  const trial = parse(await readFile(join(folder, "trial.yaml"), "utf8")) as Trial;
  const written = await readSummary(folder);
  const tally = new RunTally(trial, description);
  for await (const record of eachLine<ArmRecord>(folder, "records.jsonl")) tally.add(record);
  const stopped = new Map(Object.entries(written?.stopped ?? {}));
  const records = tally.records(stopped, written !== undefined);
  const { backend, backendReason } = (await readRunInfo(folder)) ?? {};
  return {
    ...{ trial, ...records },
    summary: { ...(backend !== undefined && { backend }), ...written, ...records.summary },
    description: description ?? describedBy(records.clients),
    timings: await readTimings(folder, records.drawn),
    artifacts: await readLines<Artifact>(folder, "artifacts.jsonl"),
    ...(backendReason !== undefined && { backendReason }),
    isFinished: written !== undefined,
  };
}

/** Gathers what a run shows while its records come in, one after another. */
export class RunTally {
  readonly #arms: Records["arms"];
  readonly #tally: Tally;
  readonly #failures: FailureTally;
  readonly #rounds = new Map<string, number>();
  readonly #drawn = new DrawnRounds();
  readonly #clients = new ClientHistories();

  constructor(trial: Trial, { metrics }: Pick<TrialDescription, "metrics"> = noDescription) {
    this.#arms = listArms(trial);
    this.#tally = new Tally(trial, metrics);
    this.#failures = new FailureTally(this.#arms[0].label);
  }

  /** @param record of any arm, after all earlier ones of that arm */
  add(record: ArmRecord): void {
    const { arm, round, clients, stopped } = record;
    this.#tally.add(record);
    this.#failures.add(record);
    this.#drawn.add(record);
    if (arm === this.#arms[0].label) this.#clients.add(round, clients);
    if (stopped === undefined) this.#rounds.set(arm, (this.#rounds.get(arm) ?? 0) + 1);
  }

  /**
   * @param stopped methods that could not go on, and why, beside those whose records say so
   * @param isFinished as `Tally.summary`
   */
  records(stopped: ReadonlyMap<string, string> = new Map(), isFinished = true): Records {
    for (const [arm, why] of stopped) this.#tally.stop(arm, why);
    return {
      ...{ arms: this.#arms, rounds: this.#rounds },
      ...{ summary: this.#tally.summary(isFinished), detected: this.#tally.detected() },
      ...{ last: this.#tally.last, drawn: this.#drawn.records(this.#tally.last) },
      ...{ clients: this.#clients.clients, failures: this.#failures.failures() },
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

/** The records of a method that are drawn, in the order of rounds. */
export function armRecords({ drawn }: Pick<Run, "drawn">, label: string): ArmRecord[] {
  return drawn.filter(({ arm }) => arm === label);
}

/** Those of the method under study. */
export function mainRecords(run: Pick<Run, "drawn" | "arms">): ArmRecord[] {
  return armRecords(run, run.arms[0].label);
}
