import type { Failure } from "../words/errors.js";

/**
 * Runs the work of simulated clients with a time limit, and aborts its signal when the time is
 * over.
 * @param seconds the time of one client (`limits.clientSeconds`)
 * @param clients the number of clients that the work is for; it multiplies the time
 */
export async function runWithinLimit<T>(
  seconds: number,
  clients: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | Failure> {
  const aborting = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<Failure>((resolve) => {
    timer = setTimeout(
      () => {
        const message = `no result after ${seconds} s (limits.clientSeconds)`;
        resolve({ code: "CLIENT_TIMEOUT", message });
        aborting.abort();
      },
      seconds * clients * 1000,
    );
  });
  try {
    return await Promise.race([work(aborting.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
