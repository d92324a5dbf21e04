import { setImmediate } from "node:timers/promises";

/** Longest time of computing before yielding to the event loop, in milliseconds. */
const stretch = 20;

/**
 * Creates a function to await inside a long loop. It yields to the event loop, but not more often
 * than needed.
 */
export function createPacer(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < stretch) return;
    await setImmediate();
    last = performance.now();
  };
}
