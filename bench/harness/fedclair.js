// Runs the `fedclair` command on a trial, into a folder under `runs/bench`.
import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const main = fileURLToPath(new URL("../../apps/cli/dist/src/main.js", import.meta.url));
const out = fileURLToPath(new URL("../../runs/bench/run", import.meta.url));

/**
 * @param {string} trial its file
 * @param {readonly string[]} how further options of `fedclair run`
 * @returns {Promise<{ ms: number, out: string }>} of the whole command; its run folder, until the next run
 */
export async function fedclairRun(trial, how) {
  await rm(out, { recursive: true, force: true });
  const start = performance.now();
  const args = [main, "run", trial, "--out", out, "--no-report", "--json", ...how];
  await promisify(execFile)(process.execPath, args);
  return { ms: performance.now() - start, out };
}

/** What a run tells of its rounds' time, a line each. @param {string} run its folder */
export async function timingsOf(run) {
  const text = await readFile(join(run, "timings.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}
