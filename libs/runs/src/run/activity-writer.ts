import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { HostStatus } from "@fedclair/core/internal";
import { activityFile, maxListedHosts, type Activity } from "../store/activity.js";
import { noFollow } from "../store/atomic-files.js";
import { followRound, type RoundProgress } from "./round-progress.js";
import type { ArmEvent } from "./run-trial.js";

/** Time between two writes while something happens, and while nothing does, in ms. */
const busyPause = 1000;
const idlePause = 5000;

/** Writes what a running trial does to its folder, at most once a second. */
export class ActivityWriter {
  readonly #path: string;
  readonly #hosts: () => readonly HostStatus[];
  #arm: string | undefined;
  #progress: RoundProgress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDue = 0;

  constructor(folder: string, hosts: () => readonly HostStatus[] = () => []) {
    this.#path = join(folder, activityFile);
    this.#hosts = hosts;
    this.#schedule(busyPause);
  }

  event({ arm, event }: ArmEvent): void {
    if (event.kind === "sampled") this.#arm = arm.label;
    this.#progress = followRound(this.#progress, event);
    this.#schedule(busyPause);
  }

  /** Writes the file for the last time. */
  close(): void {
    clearTimeout(this.#timer);
    this.#isDue = -1;
    this.#write(true);
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
  #write(isFinished = false): void {
    const hosts = this.#hosts().slice(0, maxListedHosts);
    const { O_WRONLY, O_CREAT, O_TRUNC } = constants;
    const { round, doing = "waiting", asked = 0, answered = 0 } = this.#progress ?? {};
    const activity: Activity = {
      written: new Date().toISOString(),
      arm: this.#arm,
      round,
      doing: isFinished ? "finished" : doing,
      asked,
      answered,
      hosts,
    };
    try {
      const file = openSync(this.#path, O_WRONLY | O_CREAT | O_TRUNC | noFollow);
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
