import { formatTime, type FinishedTrial } from "@fedclair/runs";

/** Counts the trials of a sweep and estimates the remaining time. */
export class SweepProgress {
  readonly #trials: number;
  readonly #now: () => number;
  readonly #begin: number;
  #over = 0;
  /** Number of finished trials that were not skipped. */
  #run = 0;

  /** @param now returns the current time in ms */
  constructor(trials: number, now = () => performance.now()) {
    this.#trials = trials;
    this.#now = now;
    this.#begin = now();
  }

  /**
   * Counts a trial.
   * @returns a text such as `3/24, 2 min left`; without a time until a trial has been run
   */
  count({ skipped }: Pick<FinishedTrial, "skipped">): string {
    this.#over++;
    if (!skipped) this.#run++;
    const left = this.#trials - this.#over;
    const count = `${this.#over}/${this.#trials}`;
    if (left === 0 || this.#run === 0) return count;
    const seconds = ((this.#now() - this.#begin) / 1000 / this.#run) * left;
    return `${count}, ${formatTime(seconds)} left`;
  }
}
