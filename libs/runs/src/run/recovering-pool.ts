import {
  renewJob,
  withDeadline,
  WrappedPool,
  type Admit,
  type Answer,
  type ClientPool,
  type Job,
  type Trial,
} from "@fedclair/core/internal";

/** Limits of the trial that decide when clients are asked again. */
type Limits = Pick<Trial["limits"], "quorum" | "answerSeconds" | "joinSeconds">;

/**
 * Answers can be lost with their host again and again, as if several clients end it, and a host is
 * started again as often as this.
 */
const mostFruitless = 3;

/**
 * Keeps a trial going when a host is lost. If the quorum needs its clients, waits until hosts have
 * room for all, and asks these again, until that has brought no answer a few times. The waits of a
 * round last at most `joinSeconds` together, and half of `answerSeconds`, so that the round does
 * not close meanwhile. The answers are the same on any host.
 */
export class RecoveringPool extends WrappedPool {
  readonly #limits: Limits;

  constructor(inner: ClientPool, limits: Limits) {
    super(inner);
    this.#limits = limits;
  }

  override async *ask(
    jobs: readonly Job[],
    admit: Admit,
    signal: AbortSignal,
  ): AsyncIterable<Answer> {
    const needed = Math.ceil(this.#limits.quorum * jobs.length);
    const { answerSeconds, joinSeconds } = this.#limits;
    let patience = 1000 * Math.min(joinSeconds, answerSeconds / 2);
    let admitted = 0;
    // Each job that is to be asked, with the id under which its answer is awaited.
    let asked = new Map(jobs.map((job) => [job, job.id] as const));
    for (let fruitless = 0; ;) {
      const ids = new Map([...asked].map(([{ id }, awaited]) => [id, awaited]));
      const lost = new Map<number, Answer>();
      for await (const answer of this.inner.ask([...asked.keys()], admit, signal)) {
        const awaited = { ...answer, jobId: ids.get(answer.jobId) ?? answer.jobId };
        if ("failure" in answer && answer.failure.code === "HOST_LOST") {
          lost.set(answer.jobId, awaited);
          continue;
        }
        if ("update" in answer) admitted++;
        yield awaited;
      }
      fruitless = lost.size === asked.size ? fruitless + 1 : 0;
      const isOver = admitted >= needed || fruitless > mostFruitless || patience <= 0;
      if (lost.size === 0 || isOver) {
        yield* lost.values();
        return;
      }
      patience -= await this.#waitForRoom(patience, signal);
      // New ids, because a host whose connection broke may still answer the old ones.
      const again = [...asked].filter(([{ id }]) => lost.has(id));
      asked = new Map(again.map(([job, awaited]) => [renewJob(job), awaited]));
    }
  }

  /** @returns how long it has waited, in ms */
  async #waitForRoom(milliseconds: number, signal: AbortSignal): Promise<number> {
    const since = performance.now();
    const ready = (either: AbortSignal) => this.inner.ready(either);
    // Even without room for all, asking again may reach the quorum.
    await withDeadline(signal, milliseconds, "no room for all", ready).catch(() => undefined);
    return performance.now() - since;
  }
}
