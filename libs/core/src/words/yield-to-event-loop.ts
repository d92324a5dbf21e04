const longestMs = 25;
let last = performance.now();

/**
 * Gives way to the event loop if 25 ms have passed since this process last did: sockets and signals must not wait for
 * long mathematics. To be awaited between steps of a few milliseconds each.
 */
export async function yieldToEventLoop(): Promise<void> {
  if (performance.now() - last < longestMs) return;
  await turnOfEventLoop();
  last = performance.now();
}

/** Resolves when the event loop has been round once. */
export function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
