import { once } from "node:events";

/** Rejects when the signal aborts, so that Ctrl-C does not have to wait for worker threads. */
export async function whenAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
}

/**
 * Waits for some work, or rejects when the signal aborts. A signal lives longer than the work, so
 * nothing of it stays there.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // nobody waits for it if the signal has aborted already
  signal.throwIfAborted();
  const ended = new AbortController();
  const aborted = once(signal, "abort", { signal: ended.signal }).then(() => {
    throw signal.reason;
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    ended.abort();
  }
}
