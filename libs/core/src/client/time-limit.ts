import type { Failure } from "../words/errors.js";

/**
 * Work of simulated clients, given up when it takes too long: its signal aborts then.
 * @param seconds that a client may take (`limits.clientSeconds`)
 * @param clients that are worked for together
 */
export async function runWithinLimit<T>(
  seconds: number,
  clients: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | Failure> {
  const givenUp = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<Failure>((resolve) => {
    timer = setTimeout(
      () => {
        const message = `no result after ${seconds} s (limits.clientSeconds)`;
        resolve({ code: "CLIENT_TIMEOUT", message });
        givenUp.abort();
      },
      seconds * clients * 1000,
    );
  });
  try {
    return await Promise.race([work(givenUp.signal), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
