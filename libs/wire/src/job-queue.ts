import { addTerms, type Params } from "@fedclair/core";
import { deltaBytes, nextGroup, type Answer, type ClientJob } from "@fedclair/core/internal";
import type { CoordinatorMessage, DerivedBase, JobOnBase } from "./codec/coordinator-message.js";
import { accepted, refused, type Reply } from "./codec/reply.js";
import { checkTerms } from "./terms.js";
import { failureOf } from "./wire-error.js";

/** @param workSeconds that the job took */
type Deliver = (answer: Answer, signal: AbortSignal, workSeconds: number) => Promise<void>;

/** Results that are sent at a time; of large ones, which are as large as the params, one. */
const mostUnderWay = 16;
const largeBytes = 2 ** 16;

function isLarge(answer: Answer): boolean {
  return "update" in answer && deltaBytes(answer.update.delta) >= largeBytes;
}

/** What a host does for its jobs. */
export interface Work {
  /** Does the jobs, of one round and phase, or one that does not train. @returns in their order */
  readonly runJobs: (jobs: readonly ClientJob[]) => Promise<readonly Answer[]>;
  /** The most jobs that it is given at once, asked before each time. Default: 1. */
  readonly jobsAtOnce?: () => number;
}

/** Params that jobs stand on. */
interface Base {
  /** Of the same shapes. */
  like: Params;
  params: Params | Promise<Params>;
}

/** A host's jobs: runs them one group after another, in their order, and delivers the results while the next one is computed. */
export class JobQueue {
  readonly #work: Work;
  readonly #deliver: Deliver;
  readonly #bases = new Map<number, Base>();
  /** Not yet begun. */
  #jobs: ClientJob[] = [];
  /** Of the jobs whose answers are wanted and not yet delivered: aborts when they no longer are. */
  readonly #wanted = new Map<number, AbortController>();
  #running: Promise<void> | undefined;

  /** @param deliver must not reject, and give up when the signal aborts */
  constructor(work: Work, deliver: Deliver) {
    this.#work = work;
    this.#deliver = deliver;
  }

  /** @throws WireError for a job that does not fit its base */
  handle(message: Exclude<CoordinatorMessage, { readonly type: "trialEnd" }>): Reply {
    switch (message.type) {
      case "base":
        this.#bases.set(message.id, { like: message.params, params: message.params });
        return accepted;
      case "derivedBase":
        return this.#derive(message);
      case "forgetBase":
        this.#bases.delete(message.id);
        return accepted;
      case "clientJob":
        return this.#add(message);
      case "jobEnd":
        this.#drop(message.id);
        return accepted;
    }
  }

  /** Forgets every base and every job not yet begun; the result of the running one is no longer wanted either. */
  clear(): void {
    for (const id of this.#wanted.keys()) this.#drop(id);
    this.#bases.clear();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** What stands on it waits until it is computed. */
  #derive({ id, from, terms }: DerivedBase): Reply {
    const before = this.#bases.get(from);
    if (!before) return noBase(from);
    checkTerms({ base: before.like, rounds: [terms] });
    const sum = Promise.resolve(before.params).then((params) => addTerms(params, terms));
    const base: Base = { like: before.like, params: sum };
    this.#bases.set(id, base);
    const hold = (params: Params) => (base.like = base.params = params);
    sum.then(hold, () => undefined); // its jobs say what went wrong
    return accepted;
  }

  #add({ baseId, rounds, ...message }: JobOnBase): Reply {
    const base = this.#bases.get(baseId);
    if (!base) return noBase(baseId);
    checkTerms({ base: base.like, rounds });
    const { id, clientId, round, phase, kind, clientIndex, clientCount, seed, commonSeed } =
      message;
    const told = { clientIndex, clientCount, seed, commonSeed };
    const wanted = new AbortController();
    this.#wanted.set(id, wanted);
    const begin = (params: Params) => {
      if (wanted.signal.aborted) return;
      const own = { base: params, rounds };
      this.#jobs.push({ id, clientId, round, phase, kind, params: own, ...told });
      this.#running ??= this.#run();
    };
    if (base.params instanceof Promise) {
      base.params.then(begin, (error: unknown) => {
        const failure = failureOf(error, "CLIENT_ERROR");
        const answer = { jobId: id, clientId, failure };
        void this.#deliver(answer, wanted.signal, 0).then(() => this.#wanted.delete(id));
      });
    } else begin(base.params);
    return accepted;
  }

  #drop(id: number): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    this.#wanted.get(id)?.abort();
    this.#wanted.delete(id);
  }

  async #run(): Promise<void> {
    const underWay = new Set<Promise<void>>();
    // Jobs may come while the last result is still under way.
    while (this.#jobs.length > 0) {
      while (this.#jobs.length > 0) {
        const group = this.#take();
        const begun = performance.now();
        const answers = await this.#results(group);
        // Of jobs that were done together each took its part.
        const workSeconds = (performance.now() - begun) / 1000 / group.length;
        for (const answer of answers) {
          if (isLarge(answer)) await Promise.all(underWay);
          else if (underWay.size >= mostUnderWay) await Promise.race(underWay);
          const { jobId } = answer;
          const wanted = this.#wanted.get(jobId);
          if (!wanted) continue;
          const delivery = this.#deliver(answer, wanted.signal, workSeconds).then(() => {
            this.#wanted.delete(jobId);
            underWay.delete(delivery);
          });
          underWay.add(delivery);
        }
      }
      await Promise.all(underWay);
    }
    this.#running = undefined;
  }

  #take(): readonly ClientJob[] {
    const group = nextGroup(this.#jobs, 0, this.#work.jobsAtOnce?.() ?? 1);
    this.#jobs = this.#jobs.slice(group.length);
    return group;
  }

  async #results(jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    try {
      return await this.#work.runJobs(jobs);
    } catch (error) {
      const failure = failureOf(error, "CLIENT_ERROR");
      return jobs.map(({ id: jobId, clientId }) => ({ jobId, clientId, failure }));
    }
  }
}

function noBase(id: number): Reply {
  return refused({ code: "MALFORMED", message: `base ${id} did not come` });
}
