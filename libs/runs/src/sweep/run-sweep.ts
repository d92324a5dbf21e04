import { readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { makeFolder } from "../store/make-folder.js";
import type { Done } from "./run-sweep-trial.js";
import { idPattern, type Sweep, type SweepTrial } from "./sweep-file.js";

/** How long a trial is left alone that another process runs, in ms. */
const patience = 1000;

/** Runs one trial, as `runSweepTrial`. */
export type RunTrial = (trial: SweepTrial) => Promise<Done | "busy">;

/**
 * Runs the trials of a sweep, so many at a time, started in their order, and yields them as they are over. Those that other
 * processes run are waited for: sweeps of one file into one folder share the work.
 * @throws UserError if `out` holds other things than a sweep; what `run` throws
 */
export async function* runSweep(
  { trials }: Sweep,
  out: string,
  run: RunTrial,
  jobs = 1,
): AsyncGenerator<Done> {
  await makeFolder(out);
  const held = await readdir(out);
  if (held.length > 0 && !held.some((name) => idPattern.test(name))) {
    throw new UserError(
      `the folder '${out}' is not empty and holds no sweep: choose another --out, or empty it`,
    );
  }
  let waiting = [...trials];
  let busy: SweepTrial[] = [];
  const running = new Map<SweepTrial, Promise<{ trial: SweepTrial; done: Done | "busy" }>>();
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
