import { setTimeout as delay } from "node:timers/promises";
import type { FinishedTrial } from "./run-sweep-trial.js";
import type { Sweep, SweepTrial } from "./sweep-file.js";

/** Wait before a trial that another process runs is checked again, in ms. */
const retryMs = 1000;

/** Runs one trial, like `runSweepTrial`. */
export type RunTrial = (trial: SweepTrial) => Promise<FinishedTrial | "busy">;

/**
 * Runs the trials of a sweep in this process, in other processes of this machine, or in workers on
 * many machines.
 */
export interface TrialQueue {
  /** Number of trials that run at the same time. */
  readonly jobs: number;
  readonly run: RunTrial;
  close(): void | Promise<void>;
}

/**
 * Runs the trials of a sweep, `jobs` at a time, and yields them as they complete. They start in
 * their order. Trials that other processes of this machine run are awaited, so that sweeps of one
 * file into one folder share the work.
 * @throws any error of `run`
 */
export async function* runSweep(
  { trials }: Sweep,
  { run, jobs }: Pick<TrialQueue, "run" | "jobs">,
): AsyncGenerator<FinishedTrial> {
  let waiting = [...trials];
  let busy: SweepTrial[] = [];
  const running = new Map<
    SweepTrial,
    Promise<{ trial: SweepTrial; done: FinishedTrial | "busy" }>
  >();
  while (waiting.length + busy.length + running.size > 0) {
    for (const trial of waiting.splice(0, jobs - running.size)) {
      running.set(
        trial,
        run(trial).then((done) => ({ trial, done })),
      );
    }
    if (running.size === 0) {
      await delay(retryMs);
      [waiting, busy] = [busy, []];
      continue;
    }
    const { trial, done } = await Promise.race(running.values());
    running.delete(trial);
    if (done === "busy") busy.push(trial);
    else yield done;
  }
}
