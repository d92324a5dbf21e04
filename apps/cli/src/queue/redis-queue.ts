import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, oneLine } from "@fedclair/core/internal";
import {
  commandName,
  findFinished,
  readFinishedElsewhere,
  version,
  writeWhole,
  type FinishedTrial,
  type RunTrial,
  type Sweep,
  type TrialQueue,
  whenAborted,
} from "@fedclair/runs";
import type { Queue, QueueEvents } from "bullmq";
import { connect, importOptional, type Connection } from "./connection.js";
import {
  descriptionFile,
  hashOf,
  queueId,
  prefix,
  queueName,
  resultSchema,
  type QueuedDescription,
  type QueuedTrial,
  type Result,
} from "./queued-trial.js";

/**
 * Interval, in ms, after which unfinished trials are queued again, in case the queue has lost them
 * or their results. A trial that is still in the queue is not added twice.
 */
const requeueInterval = 60_000;

/** Delay, in ms, before a trial that a worker has rejected is queued again. */
const rejectionDelay = 3000;

/** Seconds until a network file system must show files that another machine has written. */
const fileWaitSeconds = 60;

interface RedisQueueOptions {
  /** The value of --queue. */
  readonly queue: string | true;
  readonly grid: Sweep;
  /** The sweep's file and overrides. */
  readonly file: string;
  readonly set: readonly string[];
  /** The folder of the sweep, an absolute path. */
  readonly folder: string;
  readonly backend: string;
  /** Prints a line for the user. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Queues trials for workers on many machines (`fedclair worker`). The workers and this process
 * share the sweep's folder.
 */
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
  readonly #reported = new Set<string>();
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
    this.#queue.on("error", () => undefined); // reported by the connection
    this.#events.on("error", () => undefined);
    this.#events.on("completed", ({ jobId: id, returnvalue }) => {
      const result = resultSchema.safeParse(returnvalue).data;
      if (result?.refused === undefined)
        this.#end(id, result ?? createFailure("the worker sent an invalid result"));
      else this.#retryRejected(id, `${result.host}: ${result.refused}`);
    });
    this.#events.on("failed", ({ jobId: id, failedReason }) => {
      this.#end(id, createFailure(failedReason));
    });
    this.#timer = setInterval(() => {
      for (const id of this.#awaited.keys()) this.#addAgain(id);
    }, requeueInterval);
  }

  /** Connects and writes the sweep's description into the folder for the workers. */
  static async open(options: RedisQueueOptions): Promise<RedisQueue> {
    const { queue, grid, file, set, folder, backend, tell, signal } = options;
    const bullmq = await importOptional(() => import("bullmq"));
    const connection = await connect(queue, tell, signal);
    const trials = hashOf(grid.trials.map(({ id }) => id).join());
    const source = hashOf(await readFile(file, "utf8"));
    const description: QueuedDescription = {
      version,
      backend,
      file,
      text: source,
      set: [...set],
      trials,
    };
    const text = JSON.stringify(description, null, 2) + "\n";
    const sweep = hashOf(text);
    await writeWhole(descriptionFile(folder, sweep), text);
    const opened = new RedisQueue(options, sweep, connection, bullmq);
    await opened.#events.waitUntilReady();
    tell(
      `trials are queued at ${connection.address} for every ${commandName()} worker --queue that sees ${folder}`,
    );
    return opened;
  }

  readonly run: RunTrial = async (trial) => {
    const { folder, backend, signal } = this.#options;
    const before = await findFinished(trial, folder, backend);
    if (before) return before;
    const { host, skipped, failed } = await this.#awaitResult(trial.id);
    const fail = (text: string, exitCode: number): FinishedTrial => ({
      trial,
      faults: [],
      skipped,
      outcome: { failed: text.split("\n").map(oneLine).join("\n"), exitCode },
    });
    if (failed) return fail(failed.message, failed.exitCode);
    for (let i = 0; i < fileWaitSeconds; i++) {
      const done = readFinishedElsewhere(trial, folder);
      if (done) return { ...done, skipped };
      await delay(1000, undefined, { signal });
    }
    const where = `'${folder}' on this machine has no results: do both see the same folder?`;
    return fail(
      `the worker on ${host} has reported the trial as finished, but ${where}`,
      exitCodes.internal,
    );
  };

  /** Closes the queue. After Ctrl-C, removes trials that no worker has begun. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const ending = async () => {
      for (const id of this.#awaited.keys()) await this.#queue.remove(id).catch(() => 0); // fails if a worker has it
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

  async #awaitResult(trial: string): Promise<Result> {
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

  /**
   * Queues a rejected trial again: another worker, or the same one once it is corrected, may run
   * it.
   */
  #retryRejected(id: string, why: string): void {
    if (!this.#awaited.has(id)) return;
    if (!this.#reported.has(why)) this.#options.tell(`a worker refuses trials: ${oneLine(why)}`);
    this.#reported.add(why);
    setTimeout(() => {
      this.#addAgain(id);
    }, rejectionDelay).unref();
  }

  #end(id: string, result: Result): void {
    this.#awaited.get(id)?.end(result);
    this.#awaited.delete(id);
  }
}

function createFailure(message: string): Result {
  return { host: "", skipped: false, failed: { message, exitCode: exitCodes.internal } };
}
