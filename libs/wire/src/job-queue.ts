import type { Answer, ClientJob, Params } from "@fedclair/core";
import type { CoordinatorMessage } from "./codec/coordinator-message.js";
import { accepted, refused, type Reply } from "./codec/reply.js";
import { sameWork, workText, type WorkId } from "./codec/work-id.js";
import { failureOf } from "./wire-error.js";

/** The work that a host was told of last. */
interface CurrentWork {
  readonly id: WorkId;
  readonly global: Params;
  /** Aborted when its results are no longer wanted. */
  readonly closing: AbortController;
}

type Deliver = (work: WorkId, arrival: Answer, signal: AbortSignal) => Promise<void>;

/** A host's jobs: runs them one after another, in their order, and delivers each result while the next one is computed. */
export class JobQueue {
  readonly #runJob: (job: ClientJob) => Promise<Answer>;
  readonly #deliver: Deliver;
  #current: CurrentWork | undefined;
  #jobs: ClientJob[] = [];
  #running: Promise<void> | undefined;

  /** @param deliver must not reject, and give up when the signal aborts */
  constructor(runJob: (job: ClientJob) => Promise<Answer>, deliver: Deliver) {
    this.#runJob = runJob;
    this.#deliver = deliver;
  }

  handle(message: Exclude<CoordinatorMessage, { readonly type: "trialEnd" }>): Reply {
    switch (message.type) {
      case "roundStart":
        this.clear();
        this.#current = {
          id: message.work,
          global: message.global,
          closing: new AbortController(),
        };
        return accepted;
      case "clientJob":
        return this.#add(message);
      case "roundEnd":
        if (this.#current && sameWork(this.#current.id, message.work)) this.clear();
        return accepted;
    }
  }

  /** Forgets the work and every job not yet begun; the result of the running one is no longer wanted either. */
  clear(): void {
    this.#current?.closing.abort();
    this.#current = undefined;
    this.#jobs = [];
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  #add({ work, clientId, personal }: Extract<CoordinatorMessage, { type: "clientJob" }>): Reply {
    if (!this.#current || !sameWork(this.#current.id, work)) {
      return refused({ code: "STALE_ROUND", message: `${workText(work)} is not open` });
    }
    const { round, phase, kind } = work;
    const params = personal ?? this.#current.global;
    this.#jobs.push({ round, phase, kind, clientId, params });
    this.#running ??= this.#run();
    return accepted;
  }

  async #run(): Promise<void> {
    let delivered = Promise.resolve();
    // Jobs may come while the last result is still under way.
    while (this.#jobs.length > 0) {
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        const work = this.#current;
        const arrival = await this.#result(job);
        await delivered; // one result under way at a time: they are as large as the params
        if (work && work === this.#current) {
          delivered = this.#deliver(work.id, arrival, work.closing.signal);
        }
      }
      await delivered;
    }
    this.#running = undefined;
  }

  async #result(job: ClientJob): Promise<Answer> {
    try {
      return await this.#runJob(job);
    } catch (error) {
      return { clientId: job.clientId, failure: failureOf(error, "CLIENT_ERROR") };
    }
  }
}
