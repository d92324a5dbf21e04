import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { readRun, readStoredSweep, readSummary } from "@fedclair/runs";
import { mean } from "@fedclair/linalg";
import { groupBy } from "../support/group-by.js";

const root = resolve(import.meta.dirname, "../..");

/**
 * @typedef {object} Run a finished run of a sweep
 * @property {number} seed
 * @property {string} [folder] of a run of a sweep
 * @property {(path: string) => string} at the label of a list's value, by the path in the file
 * @property {Readonly<Record<string, number>>} measures of the run's summary
 */

/**
 * Runs a sweep, or a trial with several seeds, by `fedclair sweep`, which skips finished runs.
 * @param {string} file path from the workspace's root
 * @param {string} out the folder of its runs
 * @param {{ readonly set?: readonly string[], readonly jobs?: number }} [options] overrides of the
 * file, and the number of runs at a time
 * @throws Error if a run fails
 */
export async function runSweep(file, out, { set = [], jobs = 1 } = {}) {
  const overrides = set.flatMap((override) => ["--set", override]);
  const program = join(root, "apps/cli/bin/fedclair.js");
  const args = ["sweep", file, "--out", out, "--jobs", String(jobs), ...overrides];
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`fedclair ${args.join(" ")} ended with ${code}:\n${stderr}`);
}

/**
 * Reads the runs of a finished sweep.
 * @returns {Run[] | undefined} undefined if a run is missing
 */
export function readRuns(out) {
  const sweep = readStoredSweep(out);
  const runs = sweep?.trials.map(({ folder, seed, at }) => {
    const summary = readSummary(join(out, folder));
    const read = (path) => at.get(path) ?? "";
    const measures = summary && guard(numbersOf(summary), folder);
    return measures && { seed, folder: join(out, folder), at: read, measures };
  });
  return runs?.every((run) => run !== undefined) ? runs : undefined;
}

/** The measures that are numbers: null, which stands for no number, would count as 0. */
function numbersOf({ measures }) {
  return Object.fromEntries(Object.entries(measures).filter(([, value]) => value !== null));
}

/**
 * Reads the runs that a module has measured before.
 * @returns {Promise<Run[] | undefined>} undefined if it has not run
 */
export async function readMeasured(out) {
  const text = await readFile(join(out, "runs.json"), "utf8").catch(() => undefined);
  return text === undefined
    ? undefined
    : JSON.parse(text).map(({ labels, measures, seed }) => {
        const where = [...Object.values(labels), `seed ${seed}`].join(", ");
        return { seed, measures: guard(measures, where), at: (path) => labels[path] ?? "" };
      });
}

/**
 * Lets nobody read a measure that a run lacks: `undefined > 1` is false, so a claim that counts
 * such runs would hold.
 */
function guard(measures, where) {
  const read = (_, name) => {
    if (typeof name === "symbol" || Object.hasOwn(measures, name)) return measures[name];
    const names = Object.keys(measures).join(", ");
    throw new RangeError(`${where}: no measure '${name}': expected one of ${names}`);
  };
  return new Proxy(measures, { get: read });
}

/** The last artifact of a run with a name. @param {Pick<Run, "folder">} run */
export async function readArtifact({ folder }, name) {
  const { artifacts } = await readRun(folder);
  return artifacts.findLast((artifact) => artifact.name === name);
}

/**
 * Lets a module of this folder measure, unless it has done so before.
 * @param {string} file path from the workspace's root; it exports `measure`, which
 * may leave runs in the folder that it gets
 * @param {string} out the folder of its runs
 * @param {object} [options]
 * @param {number} [options.seeds] fewer seeds than the module takes by itself
 * @param {readonly Readonly<Record<string, string>>[]} [options.reads] labels of the runs that are
 * needed; a module may leave out those that have none of them
 */
export async function runModule(file, out, { seeds, reads = [{}] } = {}) {
  if (await readMeasured(out)) return;
  const { measure } = await import(pathToFileURL(resolve(root, file)).href);
  const wants = (labels) =>
    reads.some((read) =>
      Object.entries(read).every(([key, value]) => (labels[key] ?? value) === value),
    );
  const runs = await measure(resolve(out), { seeds, wants });
  for (const { seed, labels, measures } of runs)
    for (const [name, value] of Object.entries(measures))
      if (!Number.isFinite(value)) {
        const where = Object.values(labels).join(", ");
        throw new RangeError(
          `${file}: seed ${seed}, ${where}: ${name}: expected a number, got ${value}`,
        );
      }
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "runs.json"), JSON.stringify(runs));
}

/** The runs with some labels. @param {Readonly<Record<string, string>>} [labels] */
export function withLabels(runs, labels = {}) {
  return runs.filter((run) =>
    Object.entries(labels).every(([key, value]) => run.at(key) === value),
  );
}

/** Computes one value per seed from all runs with this seed. @returns {number[]} */
export function perSeed(runs, compute) {
  return [...groupBy(runs, ({ seed }) => seed).values()].map(compute);
}

/** The least-squares slope of y over x. @param {readonly [number, number][]} points */
export function slope(points) {
  const [x, y] = [0, 1].map((k) => mean(points.map((point) => point[k])));
  const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
