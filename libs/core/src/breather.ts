import { setImmediate } from "node:timers/promises";

const longestMs = 25;

/** A function that gives way to the event loop if 25 ms have passed since it last did: sockets and signals must not wait. */
export function breather(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < longestMs) return;
    await setImmediate();
    last = performance.now();
  };
}
