// The machine and version of a bench, and the file with its results.
import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../..", import.meta.url));
const folder = join(workspace, "bench/results");

export function readMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** @returns {{ commit: string, dirty: boolean }} commit is `unknown` outside of a git checkout */
export function readVersion() {
  const options = { cwd: workspace, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
  const git = (...args) => execFileSync("git", args, options).trim();
  try {
    const commit = git("rev-parse", "--short=10", "HEAD");
    return { commit, dirty: git("status", "--porcelain", "--untracked-files=no") !== "" };
  } catch {
    return { commit: "unknown", dirty: true };
  }
}

/**
 * Writes all samples to `bench/results/<date>-<commit>-<machine>.json`.
 * @param {ReturnType<typeof readVersion>} version the version that ran, read before the bench
 * @param {object[]} rows as `measure` returns them
 * @returns {Promise<string>} the path from the workspace's root
 */
export async function writeResult({ commit, dirty }, rows) {
  const date = new Date().toISOString().slice(0, 16);
  const at = readMachine();
  const place = `${at.cpu}-${at.cores}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const name = `${date.replace(/\D+/g, "-")}-${commit}${dirty ? "-dirty" : ""}-${place}.json`;
  const result = { date, commit, dirty, machine: at, rows };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), JSON.stringify(result, null, 1) + "\n");
  return `bench/results/${name}`;
}
