import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { makeFolder } from "../store/make-folder.js";
import type { FinishedTrial } from "./run-sweep-trial.js";
import { idPattern, type Sweep, type SweepTrial } from "./sweep-file.js";

/** How long a trial is left alone that another process runs, in ms. */
const patience = 1000;

/** Runs one trial, as `runSweepTrial`. */
export type RunTrial = (trial: SweepTrial) => Promise<FinishedTrial | "busy">;

/** Who runs the trials of a sweep: this process, others of this machine, or workers of many machines. */
export interface TrialQueue {
  /** So many trials are handed in at a time. */
  readonly jobs: number;
  readonly run: RunTrial;
  close(): void | Promise<void>;
}

/** Where jobs of Slurm have their script and logs, in the folder of a sweep. */
export const slurmFolder = "slurm";

/** What the folder of a sweep may hold before its first trial: what workers and jobs read. */
function isSweepFile(name: string): boolean {
  return name === slurmFolder || /^sweep-[0-9a-f]{16}\.json$/.test(name);
}

/** Makes the folder of a sweep, unless it is there. @throws UserError if it holds other things */
export async function openSweepFolder(out: string): Promise<void> {
  await makeFolder(out);
  const held = await readdir(out);
  if (held.length > 0 && !held.some((name) => idPattern.test(name) || isSweepFile(name))) {
    throw new UserError(
      `the folder '${out}' is not empty and holds no sweep: choose another --out, or empty it`,
    );
  }
}

/**
 * Runs the trials of a sweep, so many at a time, started in their order, and yields them as they are over. Those that other
 * processes run are waited for: sweeps of one file into one folder share the work.
 * @throws what `run` throws
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
      await delay(patience);
      [waiting, busy] = [busy, []];
      continue;
    }
    const { trial, done } = await Promise.race(running.values());
    running.delete(trial);
    if (done === "busy") busy.push(trial);
    else yield done;
  }
}
