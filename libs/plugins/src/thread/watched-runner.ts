import type { Params } from "@fedclair/core";
import {
  failure,
  type Answer,
  type ClientJob,
  type JobRunner,
  type RunnerEvents,
  type Trial,
} from "@fedclair/core/internal";
import type { PostedJob, ThreadEvent, ThreadSetup, ThreadTrial } from "./messages.js";
import { Overdue, PluginThread, ThreadEnded } from "./plugin-thread.js";
import { toPostable } from "./transfer.js";

/** A runner of jobs in a thread. */
export interface WatchedRunnerOptions extends ThreadSetup, ThreadTrial {
  readonly limits: Pick<Trial["limits"], "clientSeconds" | "answerSeconds">;
  /** The name of the task. */
  readonly task: string;
  /** A thread with the same modules to begin with. Default: a new one. */
  readonly thread?: PluginThread | undefined;
  readonly events?: WatchedEvents;
}

/** Receives what happens while jobs run in a thread. */
export interface WatchedEvents extends Pick<RunnerEvents, "onClientError" | "onBatchError"> {
  /** Called when the thread was ended because a client's code did not return. */
  readonly onHang?: (job: ClientJob, what: string) => void;
}

/** What a thread was doing when it was last heard of. */
interface Attempt {
  readonly jobs: readonly number[];
  plugin: string;
}

/**
 * Runs jobs in a thread, and ends the thread if a client's code does not return within
 * `limits.clientSeconds`. The client then fails with CLIENT_HUNG; the other clients of its group
 * are trained in a new thread. The results are those of a `ClientRunner` in the main thread.
 */
export class WatchedRunner implements JobRunner {
  readonly #options: WatchedRunnerOptions;
  #thread: PluginThread | undefined;
  #isAlone = false;
  #isPrepared = false;
  #isClosed = false;
  #maxBatch = 1;
  /** Whether a group has ended its thread. */
  #trainsAlone = false;
  /** The base that the thread has. */
  #base: Params | undefined;
  #attempt: Attempt;
  /** Resolves when all earlier jobs have run. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The number of TensorFlow.js tensors in the thread after the last job. */
  tensors = 0;

  constructor(options: WatchedRunnerOptions) {
    this.#options = options;
    this.#thread = options.thread;
    this.#attempt = { jobs: [], plugin: "" };
  }

  get maxBatch(): number {
    return this.#trainsAlone ? 1 : this.#maxBatch;
  }

  async prepare({ isAlone = false } = {}): Promise<void> {
    this.#isAlone = isAlone;
    await this.#open();
  }

  async runAll(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const answers = this.#turn.then(() => this.#run(jobs));
    this.#turn = answers.catch(() => undefined);
    return await answers;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.end();
  }

  async #run(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    try {
      return await this.#call(jobs);
    } catch (error) {
      if (this.#isClosed || !(error instanceof Overdue || error instanceof ThreadEnded)) throw error;
      const [job] = jobs;
      if (job && jobs.length === 1) return [this.#fail(job, error)];
      return await this.#runEach(jobs, error);
    }
  }

  /**
   * Runs the jobs of a group that ended its thread one by one, so that only the faulty client
   * fails. Later groups have one client, as the same may happen again.
   */
  async #runEach(jobs: readonly ClientJob[], why: Error): Promise<readonly Answer[]> {
    if (this.#attempt.jobs.length > 1) {
      this.#trainsAlone = true;
      const what = why instanceof Overdue ? "it did not return" : why.message;
      this.#options.events?.onBatchError?.(this.#options.task, what);
    }
    const answers: Answer[] = [];
    for (const job of jobs) answers.push(...(await this.#run([job])));
    return answers;
  }

  async #call(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const thread = await this.#open();
    const base = jobs[0]?.params.base;
    const isNew = base !== this.#base;
    this.#base = base;
    const posted = jobs.map((job) => toPostedJob(job, base));
    const sent = isNew && base ? (toPostable(base) as Params) : undefined;
    const reply = await thread.call("runJobs", [posted, sent], (event) => {
      this.#note(thread, jobs, event);
    });
    this.tensors = reply.tensors;
    // The code of a client that is out of time may still run, and would be taken for the next one's.
    if (reply.answers.some(isTimeout)) void thread.end();
    return reply.answers;
  }

  #note(thread: PluginThread, jobs: readonly ClientJob[], event: ThreadEvent): void {
    const { events, limits } = this.#options;
    switch (event.kind) {
      case "attempt":
        this.#attempt = { jobs: event.jobs, plugin: `task '${this.#options.task}'` };
        thread.watch(patienceSeconds(limits, event.jobs.length));
        break;
      case "alive":
        thread.watch(patienceSeconds(limits, this.#attempt.jobs.length));
        break;
      case "code":
        this.#attempt.plugin = event.plugin;
        break;
      case "clientError": {
        const job = jobs.find(({ id }) => id === event.job);
        if (job) events?.onClientError?.(job, event.what);
        break;
      }
      case "batchError":
        events?.onBatchError?.(event.task, event.what);
    }
  }

  #fail(job: ClientJob, why: Error): Answer {
    const { clientSeconds } = this.#options.limits;
    const answer = { jobId: job.id, clientId: job.clientId };
    if (!(why instanceof Overdue)) {
      this.#options.events?.onClientError?.(job, why.message);
      return { ...answer, failure: failure("CLIENT_ERROR", why.message) };
    }
    const message = `${this.#attempt.plugin} did not return within ${clientSeconds} s (limits.clientSeconds)`;
    this.#options.events?.onHang?.(job, message);
    return { ...answer, failure: failure("CLIENT_HUNG", message) };
  }

  async #open(): Promise<PluginThread> {
    if (this.#isClosed) throw new ThreadEnded("its host has ended");
    if (this.#thread?.isAlive !== true) {
      this.#thread = new PluginThread({ modules: this.#options.modules });
      this.#isPrepared = false;
    }
    const thread = this.#thread;
    if (this.#isPrepared) return thread;
    const { content, from, backend } = this.#options;
    const trial = { content, from, backend };
    this.#maxBatch = await thread.call("prepareClients", [trial, this.#isAlone]);
    this.#base = undefined;
    this.#isPrepared = true;
    return thread;
  }

}

/** Time for an answer to arrive, so that a client that keeps to its limit is not ended, in s. */
const graceSeconds = 1;

/**
 * How long a thread may go on without a sign: a single job has its whole time, but a group must let
 * the event loop turn. After both, the round must still be open (`limits.answerSeconds`).
 */
function patienceSeconds(
  { clientSeconds, answerSeconds }: WatchedRunnerOptions["limits"],
  jobs: number,
): number {
  const slack = answerSeconds - clientSeconds;
  return jobs > 1
    ? Math.min(clientSeconds, slack) / 2
    : clientSeconds + Math.min(graceSeconds, slack / 4);
}

function toPostedJob(
  { derivation: _, candidates, params, ...job }: ClientJob,
  base: Params | undefined,
): PostedJob {
  return {
    ...job,
    params: {
      base: params.base === base ? "last" : (toPostable(params.base) as Params),
      rounds: toPostable(params.rounds) as typeof params.rounds,
    },
    ...(candidates && { candidates: toPostable(candidates) as typeof candidates }),
  };
}

function isTimeout(answer: Answer): boolean {
  return "failure" in answer && answer.failure.code === "CLIENT_TIMEOUT";
}
