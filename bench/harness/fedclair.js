// Runs the `fedclair` command on a trial, into a folder under `runs/bench`.
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("../../apps/cli/bin/fedclair.js", import.meta.url));
const out = fileURLToPath(new URL("../../runs/bench/run", import.meta.url));

/**
 * @param {string} trial path of the trial file
 * @param {readonly string[]} how further options of `fedclair run`
 * @returns {Promise<{ ms: number, out: string }>} time of the whole command, and its run folder,
 *   which
 *   the next run replaces
 */
export async function runFedclair(trial, how) {
  await rm(out, { recursive: true, force: true });
  const start = performance.now();
  const args = [main, "run", trial, "--out", out, "--no-report", "--json", ...how];
  await promisify(execFile)(process.execPath, args);
  return { ms: performance.now() - start, out };
}

/** Reads the timings of a run, one object per round. @param {string} run its folder */
export async function readTimings(run) {
  const text = await readFile(join(run, "timings.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
