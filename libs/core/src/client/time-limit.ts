import type { Failure } from "../words/errors.js";

/**
 * Runs the work of simulated clients with a time limit, and aborts its signal when the time is
 * over. Work that blocks the event loop beyond the limit fails too, as soon as it returns.
 * @param seconds the time of one client (`limits.clientSeconds`)
 * @param clients the number of clients that the work is for; it multiplies the time
 * @param readCode names the code that runs, for the failure's message
 */
export async function runWithinLimit<T>(
  seconds: number,
  clients: number,
  work: (signal: AbortSignal) => Promise<T>,
  readCode: () => string,
): Promise<T | Failure> {
  const aborting = new AbortController();
  const fail = (): Failure => ({
    code: "CLIENT_TIMEOUT",
    message: `${readCode()} gave no result after ${seconds} s (limits.clientSeconds)`,
  });
  const milliseconds = seconds * clients * 1000;
  const began = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<Failure>((resolve) => {
    timer = setTimeout(() => {
      resolve(fail());
      aborting.abort();
    }, milliseconds);
  });
  try {
    const result = await Promise.race([work(aborting.signal), timeout]);
    return performance.now() - began > milliseconds ? fail() : result;
  } finally {
    clearTimeout(timer);
  }
}
