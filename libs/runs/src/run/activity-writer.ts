import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HostStatus } from "@fedclair/core/internal";
import { activityFile, maxListedHosts, type Activity } from "../store/activity.js";
import type { ArmEvent } from "./run-trial.js";

/** Time between two writes while something happens, and while nothing does, in ms. */
const busyPause = 1000;
const idlePause = 5000;

/** Writes what a running trial does to its folder, at most once a second. */
export class ActivityWriter {
  readonly #path: string;
  readonly #hosts: () => readonly HostStatus[];
  #state: Omit<Activity, "written" | "hosts"> = { doing: "waiting", asked: 0, answered: 0 };
  #timer: NodeJS.Timeout | undefined;
  #isDue = 0;

  constructor(folder: string, hosts: () => readonly HostStatus[] = () => []) {
    this.#path = join(folder, activityFile);
    this.#hosts = hosts;
    this.#schedule(busyPause);
  }

  event({ arm, event }: ArmEvent): void {
    const { doing, asked, answered } = this.#state;
    if (event.kind === "sampled") {
      const { round, cohort } = event;
      this.#state = {
        arm: arm.label,
        round,
        doing: "training",
        asked: cohort.length,
        answered: 0,
      };
    } else if (event.kind === "answered" && doing === "training") {
      // Clients answer again when they measure.
      const next = answered + 1 === asked ? "aggregating" : doing;
      this.#state = { ...this.#state, doing: next, answered: answered + 1 };
    } else if (event.kind === "aggregated") this.#state = { ...this.#state, doing: "measuring" };
    this.#schedule(busyPause);
  }

  /** Writes the file for the last time. */
  close(): void {
    clearTimeout(this.#timer);
    this.#isDue = -1;
    this.#state = { ...this.#state, doing: "finished" };
    this.#write();
  }

  #schedule(pause: number): void {
    const due = performance.now() + pause;
    if (this.#isDue < 0 || (this.#isDue > 0 && this.#isDue <= due)) return;
    clearTimeout(this.#timer);
    this.#isDue = due;
    this.#timer = setTimeout(() => {
      this.#isDue = 0;
      this.#schedule(idlePause);
      this.#write();
    }, pause).unref();
  }

  /**
   * Writes in place: a reader that finds half of the file keeps what it read before. A link in its
   * place is not followed. Nothing depends on the file, so a full disk is ignored.
   */
  #write(): void {
    const hosts = this.#hosts().slice(0, maxListedHosts);
    const activity: Activity = { written: new Date().toISOString(), ...this.#state, hosts };
    try {
      const file = openSync(this.#path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
      try {
        writeSync(file, JSON.stringify(activity) + "\n");
      } finally {
        closeSync(file);
      }
    } catch {
      return;
    }
  }
}

/** Windows has no O_NOFOLLOW. */
const {
  O_WRONLY,
  O_CREAT,
  O_TRUNC,
  O_NOFOLLOW = 0,
} = constants as Pick<typeof constants, "O_WRONLY" | "O_CREAT" | "O_TRUNC"> &
  Partial<typeof constants>;
