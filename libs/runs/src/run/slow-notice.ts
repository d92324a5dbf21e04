/** Wait before the first message, in ms. Each later wait is twice as long. */
const firstWaitMs = 30_000;

/**
 * Reports when something takes long to arrive. Without it, a plug-in that never ends would leave
 * the user without any message.
 */
export class Patience {
  readonly #report: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (line: string) => void) {
    this.#report = report;
  }

  /** Starts waiting for the next thing; the previous one has arrived. */
  waitFor(what: string): void {
    this.#wait(what, firstWaitMs);
  }

  #wait(what: string, ms: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#report(`${what}: nothing for ${ms / 1000} s, still waiting`);
      this.#wait(what, 2 * ms);
    }, ms);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
