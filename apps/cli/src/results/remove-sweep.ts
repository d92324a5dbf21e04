import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { findRun, gridFile, removeRun, type StoredSweep } from "@fedclair/runs";

/** Files that a sweep writes next to its runs. The list of trials goes last. */
const ownFiles = ["report.html", "table.csv", "summary.json", "figures", gridFile];

/**
 * Removes the runs of a sweep and what it wrote, and its folder if nothing else is in it.
 * @returns the names that were left in the folder
 * @throws InUse if one of its runs is in progress
 */
export async function removeSweep(folder: string, { trials }: StoredSweep): Promise<string[]> {
  for (const { folder: name } of trials) {
    const run = await findRun(join(folder, name)).catch(() => undefined);
    if (run) await removeRun(run);
  }
  for (const name of ownFiles) await rm(join(folder, name), { recursive: true, force: true });
  const left = await readdir(folder);
  if (left.length === 0) await rmdir(folder);
  return left;
}
