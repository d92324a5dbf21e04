import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ClientRunner, MemoryPool, UserError, type Plugins } from "@fedclair/core";
import { conductTrial } from "../conduct.js";
import type { Summary } from "../summary.js";
import type { Sweep, SweepTrial } from "./sweep-file.js";

/** A trial of the grid that is over. */
export interface Done {
  readonly trial: SweepTrial;
  /** Its numbers, or why there are none. */
  readonly outcome: Summary | { readonly failed: string };
  /** It had been run before. */
  readonly skipped: boolean;
}

/**
 * Runs the trials of a sweep one after another in this process, those left out that are done: a trial's folder is
 * `<out>/<id>`, and it is done when its summary is there.
 * @param backend the TensorFlow.js backend that trains
 */
export async function* runSweep(
  { trials }: Sweep,
  plugins: Plugins,
  out: string,
  signal: AbortSignal,
  backend: string,
): AsyncGenerator<Done> {
  for (const trial of trials) {
    signal.throwIfAborted();
    const folder = join(out, trial.id);
    const known = await summaryIn(folder);
    if (known) {
      yield { trial, outcome: known, skipped: true };
      continue;
    }
    await rm(folder, { recursive: true, force: true });
    const pool = new MemoryPool(new ClientRunner(trial.trial, plugins));
    try {
      const outcome = await conductTrial({
        ...{ trial: trial.trial, plugins, pool, out: folder, signal },
        backend: () => backend,
      });
      yield { trial, outcome, skipped: false };
    } catch (error) {
      // One trial that cannot be had leaves a hole in the tables, and the others their numbers.
      if (!(error instanceof UserError)) throw error;
      yield { trial, outcome: { failed: error.message }, skipped: false };
    } finally {
      await pool.close();
    }
  }
}

async function summaryIn(folder: string): Promise<Summary | undefined> {
  const text = await readFile(join(folder, "summary.json"), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Summary);
}
