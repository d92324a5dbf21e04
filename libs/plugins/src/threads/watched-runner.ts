import type { Params } from "@fedclair/core";
import { errorLocation } from "@fedclair/core/errors";
import {
  failure,
  payloadBytes,
  type Answer,
  type ClientJob,
  type JobRunner,
  type ReportedJob,
  type RunnerEvents,
  type StoredParams,
  type Trial,
} from "@fedclair/core/internal";
import {
  Overdue,
  PageUse,
  ThreadEnded,
  toPostable,
  type Doing,
  type Hosted,
} from "@fedclair/threads";
import type { PluginModule } from "../resolve-module.js";
import { mapAnswers } from "./map-answers.js";
import type { ClientSide } from "./client-side.js";
import { nameCode, startPluginThread, type PluginThread } from "./plugin-thread.js";
import type { PostedJob, ThreadTrial } from "./thread-messages.js";

/** A runner of jobs in a thread. */
interface WatchedRunnerOptions extends ThreadTrial {
  readonly modules: readonly PluginModule[];
  /** The name of the task. */
  readonly task: string;
  readonly limits: Pick<Trial["limits"], "clientSeconds" | "answerSeconds">;
  /** A thread with the same modules to begin with. Default: a new one. */
  readonly thread?: PluginThread | undefined;
  readonly events?: WatchedEvents;
  /** Says how a client has ended another host, if it has. Then it does not run. */
  readonly findEnded?: (clientId: string) => string | undefined;
}

/** Receives what happens while jobs run in a thread. Errors are texts with their location. */
export interface WatchedEvents extends Pick<
  RunnerEvents,
  "onClientError" | "onBatchError" | "onTimeout"
> {
  /** Called when the thread was ended because a client's code did not return. */
  readonly onHang?: (job: ReportedJob, what: string) => void;
  /** Called for the first error that nothing caught, and that belongs to no client. */
  readonly onStray?: (task: string, what: string) => void;
}

/** The thread is replaced although its code returned. */
class Replaced extends Error {}

/** A thread that is ready for jobs. */
interface Ready {
  readonly thread: PluginThread;
  readonly clients: Hosted<ClientSide>;
  /** The largest number of jobs that can run together. */
  readonly maxBatch: number;
  /** The base that was posted last. */
  base?: StoredParams | undefined;
}

/** The number of threads that end with no client to blame before a job fails. */
const mostEnds = 3;

/** Jobs to hand over in advance, so that the thread need not wait for the next one. */
const smallAhead = 16;
const largeAhead = 2;
/** Size of the params from which few jobs are handed over in advance, in bytes. */
const largeBytes = 2 ** 16;

/**
 * Runs jobs in a thread, and ends the thread if a client's code does not return within
 * `limits.clientSeconds`. The client then fails with CLIENT_HUNG; the other jobs run in a new
 * thread. The results are those of a `ClientRunner` in the main thread.
 */
export class WatchedRunner implements JobRunner {
  readonly #options: WatchedRunnerOptions;
  #thread: PluginThread | undefined;
  #opening: Promise<Ready> | undefined;
  #ready: Ready | undefined;
  #isAlone = false;
  #isClosed = false;
  /** Whether clients that trained together have ended their thread. */
  #trainsAlone = false;
  /** Whether code that belongs to no client threw an error that nothing caught. */
  #hasStray = false;
  #ahead = smallAhead;
  #lastBatch = 0;
  /** Clients whose code threw an error that nothing caught, after their answer. */
  readonly #strays = new Map<string, string>();
  readonly #pages = new PageUse();
  /** The number of TensorFlow.js tensors in the thread after the last jobs. */
  tensors = 0;

  constructor(options: WatchedRunnerOptions) {
    this.#options = options;
    this.#thread = options.thread;
  }

  get maxBatch(): number {
    return this.#trainsAlone ? 1 : (this.#ready?.maxBatch ?? 1);
  }

  get ahead(): number {
    return this.maxBatch > 1 ? 1 : this.#ahead;
  }

  async prepare({ isAlone = false } = {}): Promise<void> {
    this.#isAlone = isAlone;
    await this.#open();
  }

  async runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const refused = new Map(jobs.map((job) => [job, this.#findRefusal(job.clientId)]));
    const asked = jobs.filter((job) => refused.get(job) === undefined);
    if (asked.length === jobs.length) return await this.#runAll(jobs);
    const answers = (asked.length > 0 ? await this.#runAll(asked) : []).values();
    return jobs.flatMap((job) => {
      const why = refused.get(job);
      return why === undefined ? (answers.next().value ?? []) : this.#fail(job, "", new Error(why));
    });
  }

  /** Says why a client does not run again, if it does not. */
  #findRefusal(clientId: string): string | undefined {
    const why = this.#strays.get(clientId) ?? this.#options.findEnded?.(clientId);
    return why === undefined ? undefined : `not run again: ${why}`;
  }

  async #runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const bytes = payloadBytes(jobs[0]?.params.base.values() ?? []);
    this.#ahead = bytes < largeBytes ? smallAhead : largeAhead;
    for (let ends = 0; ;) {
      const ready = await this.#open();
      const { thread } = ready;
      const batch = ++this.#lastBatch;
      try {
        const { answers, tensors, hasTimeout } = await this.#post(ready, batch, jobs);
        this.tensors = tensors;
        if (hasTimeout) void thread.end(new Replaced());
        return mapAnswers(answers, (tensor) => this.#pages.admit(tensor));
      } catch (error) {
        if (this.#isClosed || !isEnd(error)) throw error;
        const code = nameCode(thread);
        const { doing } = thread.activity;
        if (doing.call === batch) return await this.#settle(jobs, doing, code, error);
        if (!(error instanceof Replaced)) ends++;
        if (ends === mostEnds) return await this.#settle(jobs, { ...doing, jobs: 1 }, code, error);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.end();
  }

  #post(ready: Ready, batch: number, jobs: readonly ClientJob[]) {
    const base = jobs[0]?.params.base;
    const isNew = base !== ready.base;
    ready.base = base;
    const posted = jobs.map((job) => toPostedJob(job, base));
    return ready.clients.ask("runJobs", batch, posted, isNew && base ? postBase(base) : undefined);
  }

  /**
   * Answers jobs that ended their thread. Those of a group run one by one, so that only the faulty
   * client fails. Later groups have one client, as the same may happen again.
   */
  async #settle(
    jobs: readonly ClientJob[],
    doing: Doing,
    code: string,
    why: Error,
  ): Promise<readonly Answer[]> {
    const { events } = this.#options;
    const [job] = jobs;
    if (job && jobs.length === 1) return [this.#fail(job, code, why)];
    if (doing.jobs > 1) {
      this.#trainsAlone = true;
      const what = why instanceof Overdue ? "it does not return" : why.message;
      events?.onBatchError?.(this.#options.task, what);
    }
    const answers: Answer[] = [];
    for (const one of jobs) answers.push(...(await this.runAll([one])));
    return answers;
  }

  #fail(job: ClientJob, code: string, why: Error): Answer {
    const { events, limits } = this.#options;
    const answer = { jobId: job.id, clientId: job.clientId };
    if (!(why instanceof Overdue)) {
      events?.onClientError?.(job, `${why.message}${errorLocation(why.cause)}`);
      return { ...answer, failure: failure("CLIENT_ERROR", why.message) };
    }
    const message = `${code} did not return within ${limits.clientSeconds} s (limits.clientSeconds)`;
    events?.onHang?.(job, message);
    return { ...answer, failure: failure("CLIENT_HUNG", message) };
  }

  #countStray(job: ReportedJob | undefined, what: string): void {
    const { events, task } = this.#options;
    if (job) {
      this.#strays.set(job.clientId, what);
    } else if (!this.#hasStray) {
      this.#hasStray = true;
      events?.onStray?.(task, what);
    }
  }

  /** Returns a thread that is ready, and starts one if there is none. */
  async #open(): Promise<Ready> {
    if (this.#ready?.thread.isAlive === true) return this.#ready;
    this.#opening ??= this.#start().finally(() => (this.#opening = undefined));
    return (this.#ready = await this.#opening);
  }

  async #start(): Promise<Ready> {
    if (this.#isClosed) throw new ThreadEnded("its host has ended");
    const { content, from, backend, modules, limits } = this.#options;
    if (this.#thread?.isAlive !== true) this.#thread = startPluginThread();
    const thread = this.#thread;
    thread.limitTime(() => Infinity); // preparing the data may take long
    const { events } = this.#options;
    thread.onReport = ([name, subject, what]) => {
      if (name === "onStray") {
        this.#countStray(subject, what);
        return;
      }
      events?.[name]?.(subject as ReportedJob & string, what);
    };
    const trial = { content, from, backend };
    const clients = thread.host("clients", modules, trial, this.#isAlone);
    const maxBatch = await clients.ask("maxBatch");
    thread.limitTime(({ jobs }) => limitSeconds(limits, jobs));
    return { thread, clients, maxBatch };
  }
}

/** Time for an answer to arrive, so that a client that keeps to its limit is not ended, in s. */
const graceSeconds = 1;

/**
 * How long a thread may go on without a sign: a single job has its whole time, but a group must let
 * the event loop turn. After both, the round must still be open (`limits.answerSeconds`).
 */
function limitSeconds(
  { clientSeconds, answerSeconds }: WatchedRunnerOptions["limits"],
  jobs: number,
): number {
  const slack = answerSeconds - clientSeconds;
  return jobs > 1
    ? Math.min(clientSeconds, slack) / 2
    : clientSeconds + Math.min(graceSeconds, slack / 4);
}

function postBase(base: StoredParams): Params {
  return toPostable(base) as Params;
}

function toPostedJob(job: ClientJob, base: StoredParams | undefined): PostedJob {
  const { params, ...rest } = job;
  return {
    ...toPostable({ ...rest, derivation: undefined }),
    params: {
      base: params.base === base ? "last" : postBase(params.base),
      rounds: toPostable(params.rounds),
    },
  };
}

function isEnd(error: unknown): error is Error {
  return error instanceof Overdue || error instanceof ThreadEnded || error instanceof Replaced;
}
