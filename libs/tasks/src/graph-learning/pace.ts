import { setImmediate } from "node:timers/promises";

/** Longest stretch of computing between two looks at the event loop, in milliseconds. */
const stretch = 20;

/** @returns a function to await inside a long loop: it gives way to the event loop, but not more often than needed */
export function pacer(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < stretch) return;
    await setImmediate();
    last = performance.now();
  };
}
