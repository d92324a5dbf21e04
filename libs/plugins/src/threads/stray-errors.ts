import { AsyncLocalStorage } from "node:async_hooks";
import { errorMessage } from "@fedclair/core/errors";
import type { ReportedJob } from "@fedclair/core/internal";

/** The jobs that run together. */
type Attempt = readonly ReportedJob[];

/**
 * Finds whose code throws in a timer, or in a promise that nobody awaits. Only that client fails:
 * if its job still runs, the thread ends, and else the client fails from its next job on.
 */
export class StrayErrors {
  readonly #context = new AsyncLocalStorage<Attempt>();
  #current: Attempt | undefined;

  /**
   * @param onLate receives an error of a client whose job is over, or of nobody, as of the top
   *   level of a module
   */
  constructor(onLate: (job: ReportedJob | undefined, error: unknown) => void) {
    process.on("uncaughtException", (error: unknown) => {
      const attempt = this.#context.getStore();
      const isRunning = attempt !== undefined && attempt === this.#current;
      // The thread ends, and with it the attempt.
      if (isRunning) throw error instanceof Error ? error : new Error(errorMessage(error));
      onLate(attempt?.length === 1 ? attempt[0] : undefined, error);
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
}
