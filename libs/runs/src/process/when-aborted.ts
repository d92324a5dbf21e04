import { once } from "node:events";

/** Rejects when the signal aborts, so that Ctrl-C does not have to wait for worker threads. */
export async function whenAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
}
