const longestMs = 25;
let last = performance.now();

/**
 * Yields to the event loop if this process has not done so for 25 ms, so that sockets and signals
 * do not wait for long computations. Await it between steps of a few milliseconds each.
 */
export async function yieldToEventLoop(): Promise<void> {
  if (performance.now() - last < longestMs) return;
  await turnOfEventLoop();
  last = performance.now();
}

/** Resolves after one turn of the event loop. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
