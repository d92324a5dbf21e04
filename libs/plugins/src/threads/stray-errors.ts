import { AsyncLocalStorage } from "node:async_hooks";
import { errorLocation, errorMessage } from "@fedclair/core/errors";
import type { ReportedJob } from "@fedclair/core/internal";

/** The jobs that run together. */
type Attempt = readonly ReportedJob[];

/**
 * Finds whose code throws in a timer, or in a promise that nobody awaits, or ends the thread. Only
 * that client fails: if its job still runs, the thread ends, and else the client fails from its
 * next job on.
 */
export class StrayErrors {
  readonly #context = new AsyncLocalStorage<Attempt>();
  readonly #onLate: (job: ReportedJob | undefined, what: string, location: string) => void;
  #current: Attempt | undefined;
  #isEnding = false;

  /**
   * @param onLate receives what the code did of a client whose job is over, or of nobody, as of the
   *   top level of a module
   */
  constructor(onLate: (job: ReportedJob | undefined, what: string, location: string) => void) {
    this.#onLate = onLate;
    // The first use begins to follow contexts; what ran before it would take over that of `begin`.
    this.#context.run([], () => undefined);
    process.on("uncaughtException", (error: unknown) => {
      if (this.#isRunning()) {
        this.#isEnding = true; // the thread ends, and with it the attempt
        throw error instanceof Error ? error : new Error(errorMessage(error));
      }
      onLate(this.#findJob(), `threw ${errorMessage(error)}`, errorLocation(error));
    });
  }

  /** Begins to run jobs: what runs from now on belongs to them. */
  begin(attempt: Attempt): void {
    this.#current = attempt;
    this.#context.enterWith(attempt);
  }

  /** The jobs have answers. */
  end(): void {
    this.#current = undefined;
  }

  /** Reports code that ends the thread if its job is over. */
  exit(code: number): void {
    const job = this.#findJob();
    if (!job || this.#isEnding || this.#isRunning()) return;
    const at = new Error();
    // Leaves out what process.exit calls.
    Error.captureStackTrace(at, Reflect.get(process, "exit") as () => void);
    this.#onLate(job, `called process.exit(${code})`, errorLocation(at));
  }

  #isRunning(): boolean {
    const attempt = this.#context.getStore();
    return attempt !== undefined && attempt === this.#current;
  }

  /** Finds the only job that the present code belongs to. */
  #findJob(): ReportedJob | undefined {
    const attempt = this.#context.getStore();
    return attempt?.length === 1 ? attempt[0] : undefined;
  }
}
