/** A wait is timed in slices of this length, in ms. */
const sliceLength = 1000;

/**
 * A timer that fires later than this shows that the process was stopped, in ms. Garbage collection
 * and the decoding of large messages take less.
 */
const longestDelay = 1000;

/**
 * Calls `act` once this process has run for `milliseconds`. The time in which it was stopped, by
 * SIGSTOP or because the machine slept, does not count: nothing could arrive meanwhile. After such
 * a stop there is at least one more slice, in which everything that has arrived is handled.
 * @returns a function that cancels the call
 */
export function afterRunning(milliseconds: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    const slice = Math.min(left, sliceLength);
    const began = performance.now();
    timer = setTimeout(() => {
      const wasStopped = performance.now() - began > slice + longestDelay;
      const rest = wasStopped ? Math.max(left - slice, slice) : left - slice;
      if (rest > 0) wait(rest);
      else act();
    }, slice);
  };
  wait(milliseconds);
  return () => {
    clearTimeout(timer);
  };
}

/**
 * Runs `act` with a signal that aborts together with `signal`, and with a TimeoutError once this
 * process has run for `milliseconds`. This uses its own timer, because an `AbortSignal.timeout`
 * that is referenced only by `AbortSignal.any` can be garbage-collected and never fire.
 * @param why the message of that error
 * @throws the reason of `signal` if it has aborted already
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  milliseconds: number,
  why: string,
  act: (either: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const either = new AbortController();
  const stop = () => {
    either.abort(signal.reason);
  };
  const cancel = afterRunning(milliseconds, () => {
    either.abort(new DOMException(why, "TimeoutError"));
  });
  signal.addEventListener("abort", stop);
  try {
    return await act(either.signal);
  } finally {
    cancel();
    signal.removeEventListener("abort", stop);
  }
}
