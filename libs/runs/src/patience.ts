/** In ms; after each time that it has told, it waits twice as long. */
const first = 30_000;

/** Tells when what is waited for does not come: of a plug-in that never ends nothing else would speak. */
export class Patience {
  readonly #tell: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (line: string) => void) {
    this.#tell = tell;
  }

  /** What was waited for is there, and this is what comes next. */
  waitFor(what: string): void {
    this.#wait(what, first);
  }

  #wait(what: string, ms: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      this.#tell(`${what}: nothing for ${ms / 1000} s, still waiting`);
      this.#wait(what, 2 * ms);
    }, ms);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
