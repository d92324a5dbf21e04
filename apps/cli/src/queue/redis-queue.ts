import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import {
  findFinished,
  readFinishedElsewhere,
  version,
  writeWhole,
  type FinishedTrial,
  type RunTrial,
  type Sweep,
  type TrialQueue,
} from "@fedclair/runs";
import type { Queue, QueueEvents } from "bullmq";
import { whenAborted } from "../when-aborted.js";
import { connect, optional, type Connection } from "./connection.js";
import {
  descriptionFile,
  hashOf,
  queueId,
  prefix,
  queueName,
  resultSchema,
  type Description,
  type QueuedTrial,
  type Result,
} from "./queued-trial.js";

/** What is waited for is queued anew after so many ms: a queue may have lost it, or word of its end. A trial that is there is not queued twice. */
const reminder = 60_000;

/** A trial that a worker refused is queued anew after so many ms. */
const respite = 3000;

/** So many times a second goes by until a network's file system must show what another machine has written. */
const patience = 60;

interface RedisQueueOptions {
  /** As the command was given it. */
  readonly queue: string | true;
  readonly grid: Sweep;
  /** The sweep's file and overrides. */
  readonly file: string;
  readonly set: readonly string[];
  /** The folder of the sweep, an absolute path. */
  readonly folder: string;
  readonly backend: string;
  /** Tells the user a line. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Trials that workers of many machines run: `fedclair worker`. They and this process share the folder of the sweep. */
export class RedisQueue implements TrialQueue {
  readonly jobs = Infinity;
  readonly #options: RedisQueueOptions;
  readonly #sweep: string;
  readonly #connection: Connection;
  readonly #queue: Queue<QueuedTrial, unknown>;
  readonly #events: QueueEvents;
  readonly #awaited = new Map<
    string,
    { readonly queued: QueuedTrial; readonly end: (result: Result) => void }
  >();
  readonly #aborted: Promise<never>;
  readonly #told = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  private constructor(
    options: RedisQueueOptions,
    sweep: string,
    connection: Connection,
    { Queue, QueueEvents }: typeof import("bullmq"),
  ) {
    this.#options = options;
    this.#sweep = sweep;
    this.#aborted = whenAborted(options.signal);
    this.#aborted.catch(() => undefined);
    this.#connection = connection;
    const shared = { prefix, skipVersionCheck: true };
    this.#queue = new Queue(queueName, { connection: connection.client, ...shared });
    this.#events = new QueueEvents(queueName, { connection: connection.client, ...shared });
    this.#queue.on("error", () => undefined); // the connection tells
    this.#events.on("error", () => undefined);
    this.#events.on("completed", ({ jobId: id, returnvalue }) => {
      const result = resultSchema.safeParse(returnvalue).data;
      if (result?.refused === undefined) this.#end(id, result ?? failure("an answer that is none"));
      else this.#refused(id, `${result.host}: ${result.refused}`);
    });
    this.#events.on("failed", ({ jobId: id, failedReason }) => {
      this.#end(id, failure(failedReason));
    });
    this.#timer = setInterval(() => {
      for (const id of this.#awaited.keys()) this.#addAgain(id);
    }, reminder);
  }

  /** Connects, and writes into the folder what workers must know of the sweep. */
  static async open(options: RedisQueueOptions): Promise<RedisQueue> {
    const { queue, grid, file, set, folder, backend, tell, signal } = options;
    const bullmq = await optional(() => import("bullmq"));
    const connection = await connect(queue, tell, signal);
    const trials = hashOf(grid.trials.map(({ id }) => id).join());
    const description: Description = { version, backend, file, set: [...set], trials };
    const text = JSON.stringify(description, null, 2) + "\n";
    const sweep = hashOf(text);
    await writeWhole(descriptionFile(folder, sweep), text);
    const opened = new RedisQueue(options, sweep, connection, bullmq);
    await opened.#events.waitUntilReady();
    tell(
      `trials are queued at ${connection.address} for every fedclair worker --queue that sees ${folder}`,
    );
    return opened;
  }

  readonly run: RunTrial = async (trial) => {
    const { folder, backend, signal } = this.#options;
    const before = await findFinished(trial, folder, backend);
    if (before) return before;
    const { host, skipped, failed } = await this.#resultOf(trial.id);
    const fail = (text: string, exitCode: number): FinishedTrial => ({
      ...{ trial, faults: [], skipped },
      outcome: { failed: text.split("\n").map(oneLine).join("\n"), exitCode },
    });
    if (failed) return fail(failed.message, failed.exitCode);
    for (let i = 0; i < patience; i++) {
      const done = await readFinishedElsewhere(trial, folder);
      if (done) return { ...done, skipped };
      await delay(1000, undefined, { signal });
    }
    const where = `'${folder}' of this machine has no numbers of it: do both see the same folder?`;
    return fail(`the worker on ${host} says that it is done, but ${where}`, exitCodes.internal);
  };

  /** After Ctrl-C takes back what no worker has begun. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const ending = async () => {
      for (const id of this.#awaited.keys()) await this.#queue.remove(id).catch(() => 0); // 0: a worker has it
      await Promise.all([this.#events.close(), this.#queue.close()]);
    };
    const late = new AbortController();
    await Promise.race([
      ending().catch(() => undefined),
      delay(3000, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    this.#connection.client.disconnect();
  }

  async #resultOf(trial: string): Promise<Result> {
    const { folder } = this.#options;
    const queued: QueuedTrial = { folder, sweep: this.#sweep, trial };
    const result = new Promise<Result>((end) => {
      this.#awaited.set(queueId(queued), { queued, end });
    });
    return await Promise.race([this.#add(queued).then(() => result), this.#aborted]);
  }

  async #add(queued: QueuedTrial): Promise<void> {
    const options = { jobId: queueId(queued), removeOnComplete: true, removeOnFail: true };
    await this.#queue.add("trial", queued, options);
  }

  #addAgain(id: string): void {
    const { queued } = this.#awaited.get(id) ?? {};
    if (queued) this.#add(queued).catch(() => undefined);
  }

  /** By a worker that is not as the sweep expects it: another one, or that one when it is mended, may run it. */
  #refused(id: string, why: string): void {
    if (!this.#awaited.has(id)) return;
    if (!this.#told.has(why)) this.#options.tell(`a worker refuses trials: ${oneLine(why)}`);
    this.#told.add(why);
    setTimeout(() => {
      this.#addAgain(id);
    }, respite).unref();
  }

  #end(id: string, result: Result): void {
    this.#awaited.get(id)?.end(result);
    this.#awaited.delete(id);
  }
}

function failure(message: string): Result {
  return { host: "", skipped: false, failed: { message, exitCode: exitCodes.internal } };
}
