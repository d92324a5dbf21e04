import { once } from "node:events";

/** Ctrl-C waits for no thread: whoever catches this ends the process. */
export async function whenAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  throw signal.reason;
}
