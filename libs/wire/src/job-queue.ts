import type { Answer, ClientJob, Params } from "@fedclair/core";
import type { CoordinatorMessage, JobOnBase } from "./codec/coordinator-message.js";
import { accepted, refused, type Reply } from "./codec/reply.js";
import { checkTerms } from "./terms.js";
import { failureOf } from "./wire-error.js";

/** @param workSeconds that the job took */
type Deliver = (answer: Answer, signal: AbortSignal, workSeconds: number) => Promise<void>;

/** A host's jobs: runs them one after another, in their order, and delivers each result while the next one is computed. */
export class JobQueue {
  readonly #runJob: (job: ClientJob) => Promise<Answer>;
  readonly #deliver: Deliver;
  readonly #bases = new Map<number, Params>();
  /** Not yet begun. */
  #jobs: ClientJob[] = [];
  /** Of the jobs whose answers are wanted and not yet delivered: aborts when they no longer are. */
  readonly #wanted = new Map<number, AbortController>();
  #running: Promise<void> | undefined;

  /** @param deliver must not reject, and give up when the signal aborts */
  constructor(runJob: (job: ClientJob) => Promise<Answer>, deliver: Deliver) {
    this.#runJob = runJob;
    this.#deliver = deliver;
  }

  /** @throws WireError for a job that does not fit its base */
  handle(message: Exclude<CoordinatorMessage, { readonly type: "trialEnd" }>): Reply {
    switch (message.type) {
      case "base":
        this.#bases.set(message.id, message.params);
        return accepted;
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

  #add({ baseId, rounds, ...message }: JobOnBase): Reply {
    const base = this.#bases.get(baseId);
    if (!base) return refused({ code: "MALFORMED", message: `base ${baseId} did not come` });
    const params = { base, rounds };
    checkTerms(params);
    const { id, clientId, round, phase, kind, clientIndex, clientCount, seed, commonSeed } =
      message;
    const told = { clientIndex, clientCount, seed, commonSeed };
    this.#jobs.push({ id, clientId, round, phase, kind, params, ...told });
    this.#wanted.set(id, new AbortController());
    this.#running ??= this.#run();
    return accepted;
  }

  #drop(id: number): void {
    this.#jobs = this.#jobs.filter((job) => job.id !== id);
    this.#wanted.get(id)?.abort();
    this.#wanted.delete(id);
  }

  async #run(): Promise<void> {
    let delivered = Promise.resolve();
    // Jobs may come while the last result is still under way.
    while (this.#jobs.length > 0) {
      for (let job = this.#jobs.shift(); job; job = this.#jobs.shift()) {
        const { id } = job;
        const begun = performance.now();
        const answer = await this.#result(job);
        const workSeconds = (performance.now() - begun) / 1000;
        await delivered; // one result under way at a time: they are as large as the params
        const wanted = this.#wanted.get(id);
        if (wanted) {
          delivered = this.#deliver(answer, wanted.signal, workSeconds).then(
            () => void this.#wanted.delete(id),
          );
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
      const { id: jobId, clientId } = job;
      return { jobId, clientId, failure: failureOf(error, "CLIENT_ERROR") };
    }
  }
}
