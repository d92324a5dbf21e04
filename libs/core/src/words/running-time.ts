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
