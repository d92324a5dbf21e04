import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { errorMessage, exitCodes, oneLine, type TrialSource } from "@fedclair/core/internal";
import { hashModules } from "@fedclair/plugins";
import {
  CarriedTrial,
  commandName,
  findFinished,
  InUse,
  Lock,
  SendAgain,
  SendLater,
  version,
  whenAborted,
  type FinishedTrial,
  type RunTrial,
  type Sweep,
  type SweepTrial,
  type TrialQueue,
} from "@fedclair/runs";
import type { Queue } from "bullmq";
import { connect, importOptional, type Connection } from "./connection.js";
import { Mailbox, sendMessage, untilAccepted, type Message } from "./mailbox.js";
import {
  hashOf,
  prefix,
  queueId,
  queueName,
  requestSchema,
  sweepKey,
  type Action,
  type QueuedSweep,
  type QueuedTrial,
  type Reply,
  type Request,
} from "./queued-trial.js";

/**
 * Interval, in ms, after which unfinished trials are queued again, in case the queue has lost them.
 * A trial that is still in the queue is not added twice.
 */
const requeueInterval = 60_000;

/** Interval, in ms, at which workers are shown that the sweep still waits. */
const signInterval = 5000;

/** Seconds after which the sweep's key expires without such a sign. */
const signSeconds = 30;

/** Delay, in ms, before a trial that a worker has rejected is queued again. */
const rejectionDelay = 3000;

interface RedisQueueOptions {
  /** The value of --queue. */
  readonly queue: string | true;
  readonly grid: Sweep;
  readonly source: TrialSource;
  /** The sweep's file, an absolute path, and its overrides. */
  readonly file: string;
  readonly set: readonly string[];
  /** The folder of the sweep, an absolute path. */
  readonly folder: string;
  readonly backend: string;
  /** Prints a line for the user. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A trial that workers run. */
interface Awaited {
  readonly trial: SweepTrial;
  readonly end: (finished: FinishedTrial) => void;
  /** Its folder, once a worker has taken it. */
  carried?: CarriedTrial;
  /** The last request and the reply to it, for a worker that repeats it. */
  last?: { readonly id: string; readonly reply: Message & { readonly fields: Reply } };
}

type Answer = Pick<Reply, "outcome" | "why" | "files"> & { readonly bytes?: Uint8Array };

/**
 * Queues trials for workers on many machines (`fedclair worker`). The workers see no folder of this
 * machine: they send the files of a run here while they write them.
 */
export class RedisQueue implements TrialQueue {
  readonly jobs = Infinity;
  readonly #options: RedisQueueOptions;
  readonly #sweep: string;
  readonly #text: string;
  readonly #connection: Connection;
  readonly #lock: Lock;
  readonly #queue: Queue<QueuedTrial, unknown>;
  readonly #mailbox: Mailbox;
  readonly #awaited = new Map<string, Awaited>();
  readonly #aborted: Promise<never>;
  readonly #reported = new Set<string>();
  readonly #timers: readonly NodeJS.Timeout[];

  private constructor(
    options: RedisQueueOptions,
    text: string,
    connection: Connection,
    lock: Lock,
    { Queue }: typeof import("bullmq"),
  ) {
    this.#options = options;
    this.#text = text;
    this.#sweep = hashOf([hostname(), options.folder, text].join("\0"));
    this.#aborted = whenAborted(options.signal);
    this.#aborted.catch(() => undefined);
    this.#connection = connection;
    this.#lock = lock;
    const shared = { prefix, skipVersionCheck: true };
    this.#queue = new Queue(queueName, { connection: connection.client, ...shared });
    this.#queue.on("error", () => undefined); // reported by the connection
    this.#mailbox = new Mailbox(connection.client, this.#sweep, (message) => this.#serve(message));
    this.#timers = [
      setInterval(() => void this.#showSign().catch(() => undefined), signInterval),
      setInterval(() => {
        this.#addAll();
      }, requeueInterval),
    ];
  }

  /** Connects, and stores the sweep for the workers. */
  static async open(options: RedisQueueOptions): Promise<RedisQueue> {
    const { queue, source, file, set, folder, backend, tell, signal } = options;
    const text = await readFile(file, "utf8");
    const modules = await hashModules(source);
    const sweep: QueuedSweep = { version, backend, file, text, set: [...set], modules };
    const bullmq = await importOptional(() => import("bullmq"));
    const connection = await connect(queue, tell, signal);
    let opened: RedisQueue | undefined;
    try {
      const lock = await Lock.acquire(folder);
      opened = new RedisQueue(options, JSON.stringify(sweep), connection, lock, bullmq);
      await opened.#showSign();
    } catch (error) {
      if (opened) await opened.close();
      else connection.client.disconnect();
      throw error;
    }
    tell(`trials are queued at ${connection.address} for every ${commandName()} worker --queue`);
    return opened;
  }

  readonly run: RunTrial = async (trial) => {
    const { folder, backend } = this.#options;
    const before = await findFinished(trial, folder, backend);
    if (before) return before;
    const finished = new Promise<FinishedTrial>((end) => {
      this.#awaited.set(trial.id, { trial, end });
    });
    return await Promise.race([this.#add(trial.id).then(() => finished), this.#aborted]);
  };

  /** Closes the queue. After Ctrl-C, removes trials that no worker has begun. */
  async close(): Promise<void> {
    this.#timers.forEach(clearInterval);
    this.#mailbox.close();
    const { client } = this.#connection;
    const ending = async () => {
      await client.del(sweepKey(this.#sweep));
      for (const trial of this.#awaited.keys())
        await this.#queue.remove(queueId({ sweep: this.#sweep, trial })).catch(() => 0); // fails if a worker has it
      await this.#queue.close();
    };
    const late = new AbortController();
    await Promise.race([
      ending().catch(() => undefined),
      delay(3000, undefined, { signal: late.signal }).catch(() => undefined),
    ]);
    late.abort();
    client.disconnect();
    for (const { carried } of this.#awaited.values()) await carried?.close();
    await this.#lock.release();
  }

  async #add(trial: string): Promise<void> {
    const job = { sweep: this.#sweep, trial };
    const options = { jobId: queueId(job), removeOnComplete: true, removeOnFail: true };
    await this.#untilAccepted(() => this.#queue.add("trial", job, options));
  }

  async #untilAccepted<T>(command: () => Promise<T>): Promise<T> {
    const warn = (why: string) => {
      this.#tellOnce(
        `the queue at ${this.#connection.address} takes nothing: ${why}; still trying`,
      );
    };
    return await untilAccepted(command, warn, this.#options.signal);
  }

  #addAll(): void {
    for (const trial of this.#awaited.keys()) this.#add(trial).catch(() => undefined);
  }

  /** Shows that the sweep waits. A server that has lost it gets it again, with all trials. */
  async #showSign(): Promise<void> {
    const { client } = this.#connection;
    const key = sweepKey(this.#sweep);
    if ((await client.expire(key, signSeconds)) === 1) return;
    await this.#untilAccepted(() => client.set(key, this.#text, "EX", signSeconds));
    this.#addAll();
  }

  /** Does what a worker asks, and replies. */
  async #serve({ fields, bytes }: Message): Promise<void> {
    const request = requestSchema.safeParse(fields).data;
    if (!request) return;
    const { id, from } = request;
    const awaited = this.#awaited.get(request.trial);
    let reply = awaited?.last?.id === id ? awaited.last.reply : undefined;
    if (!reply) {
      const { bytes: sent = new Uint8Array(), ...answer } = await this.#answer(request, bytes);
      reply = { fields: { id, ...answer }, bytes: sent };
      if (awaited) awaited.last = { id, reply };
    }
    await sendMessage(this.#connection.client, from, reply);
    const { action } = request;
    if (!awaited) return;
    if (reply.fields.outcome === "refused") this.#queueAgain(request, reply.fields.why ?? "");
    else if (action.do === "refuse") this.#queueAgain(request, action.why);
    // Only after the reply, because the queue is closed after the last trial.
    else if (action.do === "end" && reply.fields.outcome === "done")
      await this.#end(awaited, action.failed);
  }

  async #answer(request: Request, bytes: Uint8Array): Promise<Answer> {
    const awaited = this.#awaited.get(request.trial);
    if (!awaited) return { outcome: "lost", why: "nobody waits for it any more" };
    const token = await this.#connection.client.get(
      this.#queue.toKey(`${queueId({ sweep: this.#sweep, trial: request.trial })}:lock`),
    );
    if (token !== request.token)
      return { outcome: "lost", why: "the queue has given it to another worker" };
    try {
      return await this.#act(awaited, request.action, bytes);
    } catch (error) {
      const why = errorMessage(error);
      if (error instanceof SendAgain) return { outcome: "again", why };
      // What the system reports, such as a full disk, passes.
      const passes = [SendLater, InUse].some((kind) => error instanceof kind);
      if (error instanceof UserError && !passes) return { outcome: "refused", why };
      this.#tellOnce(why);
      return { outcome: "later", why };
    }
  }

  async #act(awaited: Awaited, action: Action, bytes: Uint8Array): Promise<Answer> {
    const { trial } = awaited;
    const { folder, backend } = this.#options;
    if (action.do === "refuse") return { outcome: "done" };
    const carried = (awaited.carried ??= await CarriedTrial.open(trial, folder, backend));
    const { receiver } = carried;
    switch (action.do) {
      case "take":
        return { outcome: "done", files: await carried.listFiles() };
      case "read":
        return { outcome: "done", bytes: await carried.read(action.name, action.at) };
      case "offer":
        await receiver.offer(action.parts);
        break;
      case "piece":
        await receiver.piece(action.name, action.at, bytes);
        break;
      case "commit":
        await receiver.commit(action.sent, action.names);
        break;
      case "end":
        if (!action.failed && !carried.readArrived()) throw new SendAgain("the run is not here");
    }
    return { outcome: "done" };
  }

  /**
   * Queues a trial again that a worker rejects, or whose run is not believed: another worker, or
   * the same one once it is corrected, may run it.
   */
  #queueAgain({ host, trial }: Request, why: string): void {
    this.#tellOnce(`trials that ${host} took are queued again: ${why}`);
    setTimeout(() => {
      if (this.#awaited.has(trial)) this.#add(trial).catch(() => undefined);
    }, rejectionDelay).unref();
  }

  async #end(
    { trial, carried, end }: Awaited,
    failed: (Action & { readonly do: "end" })["failed"],
  ): Promise<void> {
    const finished = failed ? undefined : carried?.readArrived();
    const text = failed?.message ?? "";
    const outcome = {
      failed: text.split("\n").map(oneLine).join("\n"),
      exitCode: failed?.exitCode ?? exitCodes.internal,
    };
    this.#awaited.delete(trial.id);
    await carried?.close();
    end(finished ?? { trial, outcome, faults: [], skipped: false });
  }

  #tellOnce(line: string): void {
    if (!this.#reported.has(line)) this.#options.tell(oneLine(line));
    this.#reported.add(line);
  }
}
