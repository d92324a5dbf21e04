import type { ThreadActivity, Doing } from "./activity.js";

/** Returns the seconds that a thread may do the same without progress. */
export type TimeLimit = (doing: Doing) => number;

/** Time for a thread to begin with a call that was posted, in s: the machine may be busy. */
const beginSeconds = 10;

/** The longest time between two looks at a thread, in ms. */
const longestTick = 250;

/**
 * Looks from time to time whether a thread makes progress. Time in which the whole process is
 * stopped hardly counts.
 */
export class ProgressWatch {
  readonly #activity: ThreadActivity;
  readonly #limit: TimeLimit;
  readonly #onOverdue: () => void;
  #isOn = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param onOverdue called when the thread has made no progress for as long as it may */
  constructor(activity: ThreadActivity, limit: TimeLimit, onOverdue: () => void) {
    [this.#activity, this.#limit, this.#onOverdue] = [activity, limit, onOverdue];
  }

  /** Begins to look, unless it looks already. */
  start(): void {
    this.#isOn = true;
    if (this.#timer === undefined) this.#look(this.#activity.turns, 0);
  }

  stop(): void {
    this.#isOn = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(turns: number, waitedMs: number): void {
    const { doing } = this.#activity;
    const seconds = this.#limit(doing);
    const limitMs = 1000 * (doing.call === 0 ? Math.max(seconds, beginSeconds) : seconds);
    const tickMs = Math.min(longestTick, limitMs / 8);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = this.#activity.turns;
      const waited = now === turns ? waitedMs + tickMs : 0;
      if (waited < limitMs) this.#look(now, waited);
      // Messages that have arrived are read first.
      else
        setImmediate(() => {
          if (!this.#isOn) return;
          if (this.#activity.turns === now) this.#onOverdue();
          else this.start();
        });
    }, tickMs);
  }
}
