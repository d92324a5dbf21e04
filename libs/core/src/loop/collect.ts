import type { Admit, Answer, ClientPool, Job } from "../contracts/pool.js";
import type { Failure } from "../words/errors.js";
import type { Params } from "../tensors/tensor.js";
import type { Update } from "../tensors/update.js";
import { afterRunning } from "../words/running-time.js";
import { turnOfEventLoop } from "../words/yield-to-event-loop.js";

/** The answers of a cohort. Every client is in exactly one of the two, both in cohort order. */
export interface Collected {
  readonly updates: readonly Update[];
  readonly failures: ReadonlyMap<string, Failure>;
  /** The clients' new own params, in an arm with a personal method. */
  readonly own?: ReadonlyMap<string, Params>;
}

/** The event that one answer has arrived. */
export interface Answered {
  readonly kind: "answered";
  readonly answer: Answer;
}

/**
 * Asks `pool` and waits as long as answers keep arriving: the collection closes when no client has
 * answered for `answerSeconds`, and the clients still missing are LATE. Yields the answers as they
 * arrive; the result does not depend on their order.
 */
export async function* collect(
  pool: ClientPool,
  jobs: readonly Job[],
  admit: Admit,
  answerSeconds: number,
  signal: AbortSignal,
): AsyncGenerator<Answered, Collected> {
  const byJob = new Map<number, Answer>();
  const closing = new AbortController();
  const stop = () => {
    closing.abort(signal.reason);
  };
  signal.addEventListener("abort", stop);
  const answers = pool.ask(jobs, admit, closing.signal)[Symbol.asyncIterator]();
  let next = answers.next();
  try {
    while (!signal.aborted) {
      const answer = await awaitWithin(next, answerSeconds * 1000, signal);
      if (answer === undefined || answer.done) break;
      const { value } = answer;
      byJob.set(value.jobId, value);
      yield { kind: "answered", answer: value };
      next = answers.next();
    }
  } finally {
    signal.removeEventListener("abort", stop);
    closing.abort();
    // A pool that ignores the signal must not block the trial, so its end is not awaited.
    next.catch(() => undefined);
  }
  // Ctrl-C also ends the hosts on this machine, and Node.js reports signals after closed sockets.
  if ([...byJob.values()].some((answer) => "failure" in answer)) await turnOfEventLoop();
  signal.throwIfAborted();

  const updates: Update[] = [];
  const failures = new Map<string, Failure>();
  for (const { id, clientId } of jobs) {
    const answer = byJob.get(id);
    if (answer && "update" in answer) updates.push(answer.update);
    else failures.set(clientId, answer?.failure ?? createLateFailure(answerSeconds));
  }
  return { updates, failures };
}

function createLateFailure(answerSeconds: number): Failure {
  const message = `no answer when the round closed, ${answerSeconds} s after the last one (limits.answerSeconds)`;
  return { code: "LATE", message };
}

/**
 * Awaits a promise; resolves to undefined after `milliseconds` of running time or if `signal`
 * aborts.
 */
async function awaitWithin<T>(
  promise: Promise<T>,
  milliseconds: number,
  signal: AbortSignal,
): Promise<T | undefined> {
  let giveUp: () => void = () => undefined;
  const givingUp = new Promise<undefined>((resolve) => {
    giveUp = () => {
      resolve(undefined);
    };
  });
  const cancel = afterRunning(milliseconds, giveUp);
  signal.addEventListener("abort", giveUp);
  try {
    return await Promise.race([promise, givingUp]);
  } finally {
    cancel();
    signal.removeEventListener("abort", giveUp);
  }
}
