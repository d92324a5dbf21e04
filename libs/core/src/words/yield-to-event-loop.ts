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
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else sendToMyself(resolve);
  });
}

/** The channel of `sendToMyself`, and what is to be called for the messages on their way. */
let port: { postMessage(message: undefined): void } | undefined;
const callbacks: (() => void)[] = [];

/**
 * Stands for setImmediate in browsers, which have none and delay nested timers by 4 ms. Messages to
 * oneself are not delayed, not even in the background.
 */
function sendToMyself(callback: () => void): void {
  if (!port) {
    const { port1, port2 } = new MessageChannel();
    Object.assign(port1, { onmessage: () => callbacks.shift()?.() });
    port = port2;
  }
  callbacks.push(callback);
  port.postMessage(undefined);
}
