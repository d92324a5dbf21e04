import type { Params } from "@fedclair/core";
import type { Answer, ClientJob, ReportedJob, StoredParams, Trial } from "@fedclair/core/internal";
import { toPostable, type Hosted, type PageUse } from "@fedclair/threads";
import type { PluginModule } from "../resolve-module.js";
import type { ClientSide } from "./client-side.js";
import { mapAnswers } from "./map-answers.js";
import { startPluginThread, type PluginThread } from "./plugin-thread.js";
import type { PluginReport, PostedJob, ThreadTrial } from "./thread-messages.js";

/** How to start a thread for clients. */
export interface ClientThreadOptions extends ThreadTrial {
  readonly modules: readonly PluginModule[];
  readonly limits: Pick<Trial["limits"], "clientSeconds" | "answerSeconds">;
}

/** The thread is replaced although its code returned. */
export class Replaced extends Error {}

/** A thread that is ready to run jobs of clients. */
export class ClientThread {
  readonly thread: PluginThread;
  /** The largest number of jobs that can run together. */
  readonly maxBatch: number;
  /** The number of TensorFlow.js tensors in the thread after the last jobs. */
  tensors = 0;
  readonly #clients: Hosted<ClientSide>;
  readonly #pages: PageUse;
  /** The number of the first batch of each client. */
  readonly #batches = new Map<string, number>();
  /** The base that was posted last. */
  #base: StoredParams | undefined;
  #lastBatch = 0;

  private constructor(
    thread: PluginThread,
    clients: Hosted<ClientSide>,
    maxBatch: number,
    pages: PageUse,
  ) {
    [this.thread, this.maxBatch] = [thread, maxBatch];
    [this.#clients, this.#pages] = [clients, pages];
  }

  /**
   * Prepares a thread, which ends if a client's code does not return within its time.
   * @param isAlone as in `ClientRunner`
   * @param isApart whether it runs one client, while others run in another thread
   */
  static async start(
    { content, from, backend, modules, limits }: ClientThreadOptions,
    { isAlone, isApart, pages }: Record<"isAlone" | "isApart", boolean> & { pages: PageUse },
    onReport: (report: PluginReport) => void,
    thread = startPluginThread(),
  ): Promise<ClientThread> {
    thread.limitTime(() => Infinity); // preparing the data may take long
    thread.onReport = onReport;
    const clients = thread.host("clients", modules, { content, from, backend }, isAlone, isApart);
    const maxBatch = await clients.ask("maxBatch");
    thread.limitTime(({ jobs }) => limitSeconds(limits, jobs));
    return new ClientThread(thread, clients, maxBatch, pages);
  }

  /**
   * Begins to run jobs after those that were posted before.
   * @returns the number of the batch, and the answers
   */
  run(jobs: readonly ClientJob[]): { batch: number; answers: Promise<readonly Answer[]> } {
    const batch = ++this.#lastBatch;
    for (const { clientId } of jobs)
      if (!this.#batches.has(clientId)) this.#batches.set(clientId, batch);
    return { batch, answers: this.#run(batch, jobs) };
  }

  /**
   * Lists the other clients whose code may have run.
   * @param until the batch that ran last. Default: all that were posted
   */
  listOthers(jobs: readonly ReportedJob[], until = this.#lastBatch): string[] {
    const own = new Set(jobs.map(({ clientId }) => clientId));
    return [...this.#batches].flatMap(([id, first]) =>
      first <= until && !own.has(id) ? [id] : [],
    );
  }

  async #run(batch: number, jobs: readonly ClientJob[]): Promise<readonly Answer[]> {
    const base = jobs[0]?.params.base;
    const isNew = base !== this.#base;
    this.#base = base;
    const posted = jobs.map((job) => toPostedJob(job, base));
    const newBase = isNew && base ? postBase(base) : undefined;
    const result = await this.#clients.ask("runJobs", batch, posted, newBase);
    this.tensors = result.tensors;
    if (result.hasTimeout) void this.thread.end(new Replaced());
    return mapAnswers(result.answers, (tensor) => this.#pages.admit(tensor));
  }
}

/** Time for an answer to arrive, so that a client that keeps to its limit is not ended, in s. */
const graceSeconds = 1;

/**
 * How long a thread may go on without a sign: a single job has its whole time, but a group must let
 * the event loop turn. After both, the round must still be open (`limits.answerSeconds`).
 */
function limitSeconds(
  { clientSeconds, answerSeconds }: ClientThreadOptions["limits"],
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
