import {
  afterRunning,
  renewJob,
  type Admit,
  type Answer,
  type ClientPool,
  type Job,
  type Trial,
} from "@fedclair/core/internal";

/** Limits of the trial that decide when clients are asked again. */
type Limits = Pick<Trial["limits"], "quorum" | "answerSeconds" | "joinSeconds">;

/**
 * Keeps a trial going when a host is lost: if its clients are needed for the quorum, waits until
 * hosts have room for all clients, and asks those of the lost host once more. The wait lasts at
 * most `joinSeconds`, and half of `answerSeconds`, so that the round does not close meanwhile. The
 * answers are the same on any host.
 */
export class RecoveringPool implements ClientPool {
  readonly #inner: ClientPool;
  readonly #limits: Limits;

  constructor(inner: ClientPool, limits: Limits) {
    this.#inner = inner;
    this.#limits = limits;
  }

  ready(signal: AbortSignal): Promise<void> {
    return this.#inner.ready(signal);
  }

  async *ask(jobs: readonly Job[], admit: Admit, signal: AbortSignal): AsyncIterable<Answer> {
    const lost: Answer[] = [];
    let admitted = 0;
    for await (const answer of this.#inner.ask(jobs, admit, signal)) {
      if ("failure" in answer && answer.failure.code === "HOST_LOST") {
        lost.push(answer);
        continue;
      }
      if ("update" in answer) admitted++;
      yield answer;
    }
    if (lost.length === 0 || admitted >= Math.ceil(this.#limits.quorum * jobs.length)) {
      yield* lost;
      return;
    }
    await this.#waitForRoom(signal);
    const ids = new Set(lost.map(({ jobId }) => jobId));
    // New ids, because a host whose connection broke may still answer the old ones.
    const again = new Map(
      jobs.filter(({ id }) => ids.has(id)).map((job) => [renewJob(job), job.id] as const),
    );
    const oldIds = new Map([...again].map(([{ id }, before]) => [id, before]));
    for await (const answer of this.#inner.ask([...again.keys()], admit, signal)) {
      yield { ...answer, jobId: oldIds.get(answer.jobId) ?? answer.jobId };
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { answerSeconds, joinSeconds } = this.#limits;
    const waiting = new AbortController();
    const stop = () => {
      waiting.abort(signal.reason);
    };
    const cancel = afterRunning(1000 * Math.min(joinSeconds, answerSeconds / 2), stop);
    signal.addEventListener("abort", stop);
    try {
      // Even without room for all, asking again may reach the quorum.
      await this.#inner.ready(waiting.signal).catch(() => undefined);
    } finally {
      cancel();
      signal.removeEventListener("abort", stop);
    }
  }
}
