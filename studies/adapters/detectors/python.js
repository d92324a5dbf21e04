// The detectors that run in Python, by score.py.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { exitSkipped } from "../../../scripts/package-index.js";

const run = promisify(execFile);
const script = fileURLToPath(new URL("score.py", import.meta.url));
const environmentScript = fileURLToPath(new URL("../../../scripts/python-env.js", import.meta.url));

/**
 * The detectors by their names in score.py. Unless a detector has thresholds of its own, they come
 * from the clean piles of the other pools.
 */
export const pythonDetectors = {
  "plain-sum": { title: "a plain sum of four robust z" },
  spectral: { title: "spectral numbers (arXiv 2602.15195)" },
  "sentry-features": { title: "features of adaptersentry" },
  "sentry-verdicts": {
    title: "verdicts of adaptersentry",
    thresholds: { upper: 0, lower: 0 }, // each action other than `allow` is an alert
  },
};

/** One thread, and no files next to the scripts. */
const env = {
  ...process.env,
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  PYTHONDONTWRITEBYTECODE: "1",
};

/**
 * Installs the packages at the first call.
 * @returns the path of a Python; undefined, after a message, without Python or a package index
 * @throws Error with the output of pip if it fails otherwise
 */
export async function installPython() {
  try {
    return (await run(process.execPath, [environmentScript, "detectors"])).stdout.trim();
  } catch (error) {
    if (error.code !== exitSkipped) throw error;
    console.error(`the detectors in Python are skipped: ${error.stderr.trim()}`);
    return undefined;
  }
}

/**
 * @param detectors names in score.py
 * @param piles folders of adapters
 * @returns `detectors`: by name, the scores of each pile by adapter, and for a clean one the
 *   largest scores of its subsets; `seconds` of CPU and `megabytes` at the peak (null if this is
 *   not Linux), both of the whole process
 */
export async function scorePiles(python, detectors, piles) {
  const args = [script, detectors.join(","), ...piles];
  const { stdout } = await run(python, args, { env, maxBuffer: 2 ** 28 });
  return JSON.parse(stdout);
}
