import { errorLocation } from "@fedclair/core/errors";
import {
  failure,
  payloadBytes,
  type Answer,
  type ClientJob,
  type JobRunner,
  type ReportedJob,
  type RunnerEvents,
} from "@fedclair/core/internal";
import { Overdue, PageUse, ThreadEnded } from "@fedclair/threads";
import { ClientThread, Replaced, type ClientThreadOptions } from "./client-thread.js";
import { describeFault, nameCode, startPluginThread, type PluginThread } from "./plugin-thread.js";
import type { PluginReport } from "./thread-messages.js";

/** A runner of jobs in a thread. */
interface WatchedRunnerOptions extends ClientThreadOptions {
  /** The name of the task. */
  readonly task: string;
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
  /** Called when the thread ended in a job that then succeeded in a thread of its own. */
  readonly onOthersCode?: (job: ReportedJob, what: string) => void;
  /** Called for the first error that nothing caught, and that belongs to no client. */
  readonly onStray?: (task: string, what: string) => void;
}

/** How a thread ended while it ran jobs. */
interface End {
  readonly why: Error;
  /** The code that ran. */
  readonly code: string;
  /** The number of jobs that ran together. */
  readonly jobs: number;
  /** The other clients whose code may have ended it. */
  readonly others: readonly string[];
}

/** The number of threads that end in no client's job before a job fails. */
const mostEnds = 3;

/** The number of clients to name whose code may have ended a thread. */
const mostNamed = 8;

/** Jobs to hand over in advance, so that the thread need not wait for the next one. */
const smallAhead = 16;
const largeAhead = 2;
/** Size of the params from which few jobs are handed over in advance, in bytes. */
const largeBytes = 2 ** 16;

/**
 * Runs jobs in a thread, and ends the thread if a client's code does not return within
 * `limits.clientSeconds`. The client then fails with CLIENT_HUNG; the other jobs run in a new
 * thread. The results are those of a `ClientRunner` in the main thread.
 *
 * Code of a client may go on after its answer, and end the thread in the job of another, or before
 * the answer of another is posted. Therefore a job fails only if the thread ends and no other
 * client has run in it. Otherwise the job runs again in a thread of its own.
 */
export class WatchedRunner implements JobRunner {
  readonly #options: WatchedRunnerOptions;
  /** All threads that may be alive. */
  readonly #threads = new Set<PluginThread>();
  /** A thread that has loaded the modules, for the first jobs. */
  #given: PluginThread | undefined;
  #opening: Promise<ClientThread> | undefined;
  #ready: ClientThread | undefined;
  #isAlone = false;
  #isClosed = false;
  /** Whether clients that trained together have ended their thread. */
  #trainsAlone = false;
  /** Whether code that belongs to no client threw an error that nothing caught. */
  #hasStray = false;
  #ahead = smallAhead;
  /** Clients whose code threw what nothing caught, or ended the thread, after their answer. */
  readonly #strays = new Map<string, string>();
  /** Clients in whose jobs threads ended. They run in threads of their own until they succeed. */
  readonly #apart = new Set<string>();
  /** Resolves when no client runs in a thread of its own. */
  #apartIsFree: Promise<unknown> = Promise.resolve();
  readonly #pages = new PageUse();
  /** The number of TensorFlow.js tensors in the thread after the last jobs. */
  tensors = 0;

  constructor(options: WatchedRunnerOptions) {
    this.#options = options;
    this.#given = options.thread;
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
    const [job] = jobs;
    if (job && jobs.length === 1 && this.#apart.has(job.clientId)) return await this.#runApart(job);
    for (let ends = 1; ; ends++) {
      const result = await this.#runIn(await this.#open(), jobs, ends === mostEnds);
      if (result instanceof Replaced) ends--;
      else if ("why" in result) return await this.#settle(jobs, result);
      else if (!(result instanceof Error)) return result;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const threads = [...(this.#given ? [this.#given] : []), ...this.#threads];
    await Promise.all(threads.map((thread) => thread.end()));
  }

  /**
   * Runs jobs in a thread.
   * @param isLast whether the thread ended in these jobs, wherever it ends
   * @returns the answers, how the thread ended in these jobs, or its error if it ended elsewhere
   */
  async #runIn(
    ready: ClientThread,
    jobs: readonly ClientJob[],
    isLast = false,
  ): Promise<readonly Answer[] | End | Error> {
    const { thread } = ready;
    const { batch, answers } = ready.run(jobs);
    try {
      const given = await answers;
      this.tensors = ready.tensors;
      return given;
    } catch (error) {
      if (this.#isClosed) throw error;
      if (error instanceof Replaced) return error;
      const { doing } = thread.activity;
      const isEnd = error instanceof Overdue || error instanceof ThreadEnded;
      if (!isEnd && !thread.isAlive) return new Replaced(); // as it failed in a job before
      const isHere = doing.call === batch;
      if (isEnd && !isHere && !isLast) return error;
      // Code of a client may have changed what the thread itself needs, such as Map.prototype.
      if (!isEnd) void thread.end(new Replaced());
      return {
        why: isEnd ? error : describeFault(error),
        code: nameCode(thread),
        jobs: isHere ? doing.jobs : 1,
        others: ready.listOthers(jobs, isHere ? batch : undefined),
      };
    }
  }

  /**
   * Answers jobs that ended their thread. Those of a group run one by one, so that only the faulty
   * client fails. Later groups have one client, as the same may happen again.
   */
  async #settle(jobs: readonly ClientJob[], end: End): Promise<readonly Answer[]> {
    const { events, task } = this.#options;
    const [job] = jobs;
    if (job && jobs.length === 1)
      return end.others.length > 0
        ? await this.#runApart(job, end)
        : [this.#fail(job, end.code, end.why)];
    if (end.jobs > 1) {
      this.#trainsAlone = true;
      const what = end.why instanceof Overdue ? "it does not return" : end.why.message;
      events?.onBatchError?.(task, what);
    }
    const answers: Answer[] = [];
    for (const one of jobs) answers.push(...(await this.runAll([one])));
    return answers;
  }

  /**
   * Runs a job in a thread of its own, one at a time.
   * @param end how the thread ended in it that it had with others
   */
  async #runApart(job: ClientJob, end?: End): Promise<readonly Answer[]> {
    this.#apart.add(job.clientId);
    const answers = this.#apartIsFree.then(() => this.#runApartNow(job, end));
    this.#apartIsFree = answers.catch(() => undefined);
    return await answers;
  }

  async #runApartNow(job: ClientJob, end: End | undefined): Promise<readonly Answer[]> {
    const ready = await this.#start(true);
    try {
      const result = await this.#runIn(ready, [job], true);
      if (result instanceof Error) throw result; // it has answered
      if ("why" in result) return [this.#fail(job, result.code, result.why)];
      this.#apart.delete(job.clientId);
      if (end) this.#options.events?.onOthersCode?.(job, this.#describeOthers(end));
      return result;
    } finally {
      await ready.thread.end(new Replaced());
    }
  }

  #describeOthers({ why, code, others }: End): string {
    const what = why instanceof Overdue ? `${code} did not return` : why.message;
    const known = others.filter((id) => this.#strays.has(id));
    const names = known.length > 0 ? known : others;
    const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : "";
    const who = `${names.length > 1 ? "one of " : ""}${names.slice(0, mostNamed).join(", ")}${more}`;
    return `${what}, but the job succeeded in a thread of its own: code of ${who}, which ran in the same thread, disturbs other clients`;
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

  /** Returns a thread that is ready, and starts one if there is none. */
  async #open(): Promise<ClientThread> {
    if (this.#ready?.thread.isAlive === true) return this.#ready;
    this.#opening ??= this.#start(false).finally(() => (this.#opening = undefined));
    return (this.#ready = await this.#opening);
  }

  async #start(isApart: boolean): Promise<ClientThread> {
    if (this.#isClosed) throw new ThreadEnded("its host has ended");
    const thread = this.#given?.isAlive === true ? this.#given : startPluginThread();
    this.#given = undefined;
    this.#threads.add(thread);
    void thread.ended.then(() => this.#threads.delete(thread));
    const shared = { isAlone: this.#isAlone, isApart, pages: this.#pages };
    const onReport = (report: PluginReport) => {
      this.#receive(report);
    };
    return await ClientThread.start(this.#options, shared, onReport, thread);
  }

  #receive([name, subject, what]: PluginReport): void {
    const { events, task } = this.#options;
    if (name !== "onStray") {
      events?.[name]?.(subject as ReportedJob & string, what);
    } else if (subject) {
      this.#strays.set(subject.clientId, what);
    } else if (!this.#hasStray) {
      this.#hasStray = true;
      events?.onStray?.(task, what);
    }
  }
}
