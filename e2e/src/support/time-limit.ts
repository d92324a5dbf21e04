import { availableParallelism, loadavg } from "node:os";
import Mocha from "mocha";

/** How many processes share a core of this machine; at least 1. */
function countPerCore(): number {
  return Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());
}

/** What mocha's types leave out. */
interface Timed {
  timer?: NodeJS.Timeout;
  timedOut?: boolean;
  _timeout: number;
  callback(error: Error): void;
  clearTimeout(): void;
  timeout(): number;
  resetTimeout(): void;
}

/**
 * Makes the limits of all tests and hooks follow the machine. A limit of 120 s allows 120 s of a
 * machine on which no process waits for a core, and ten times as long if ten share each core.
 * @param perCore is asked several times while a test runs
 */
export function followMachine(perCore = countPerCore): void {
  const timed = Mocha.Runnable.prototype as unknown as Timed;
  timed.resetTimeout = function (this: Timed) {
    this.clearTimeout();
    const limit = this.timeout();
    if (limit === 0) return;
    const interval = Math.min(1000, limit / 10);
    const began = performance.now();
    let used = 0;
    this.timer = setInterval(() => {
      used += interval / perCore();
      if (used < limit) {
        // Mocha compares it with the duration at the end.
        this._timeout = Math.max(limit, Math.ceil(2 * (performance.now() - began)));
        return;
      }
      this.clearTimeout();
      this.callback(
        new Error(`took more than ${limit / 1000} s, not counting that others used the machine`),
      );
      this.timedOut = true;
    }, interval);
  };
}
