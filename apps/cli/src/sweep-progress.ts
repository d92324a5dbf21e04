import type { FinishedTrial } from "@fedclair/runs";

/** Counts the trials of a sweep, and says how long the rest may take. */
export class SweepProgress {
  readonly #trials: number;
  readonly #now: () => number;
  readonly #begin: number;
  #over = 0;
  /** Those that took time. */
  #run = 0;

  /** @param now milliseconds */
  constructor(trials: number, now = () => performance.now()) {
    this.#trials = trials;
    this.#now = now;
    this.#begin = now();
  }

  /** @returns `3/24, 2 min left`, of the first trials without the time */
  count({ skipped }: Pick<FinishedTrial, "skipped">): string {
    this.#over++;
    if (!skipped) this.#run++;
    const left = this.#trials - this.#over;
    const count = `${this.#over}/${this.#trials}`;
    if (left === 0 || this.#run === 0) return count;
    const seconds = ((this.#now() - this.#begin) / 1000 / this.#run) * left;
    return `${count}, ${timeText(seconds)} left`;
  }
}

function timeText(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
