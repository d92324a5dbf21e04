import { readdir, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { oneLine } from "@fedclair/core/internal";
import {
  findRun,
  gridFile,
  print,
  readStoredSweep,
  removeRun,
  type StoredSweep,
} from "@fedclair/runs";
import { requireRun } from "./show.js";

/** `fedclair rm`: removes runs and sweeps, and leaves other files in their folders. */
export async function remove(folders: readonly string[]): Promise<void> {
  const stored = await Promise.all(
    folders.map(async (folder) => {
      const grid = readStoredSweep(folder);
      return grid ? { folder, remove: () => removeSweep(folder, grid) } : await storedRun(folder);
    }),
  );
  for (const { folder, remove } of stored) {
    const left = await remove();
    const rest = left.length === 0 ? "" : `, but for ${left.map(oneLine).join(", ")}`;
    print(`removed ${oneLine(folder)}${rest}\n`);
  }
}

async function storedRun(folder: string) {
  const run = await requireRun(folder);
  return { folder: run.folder, remove: () => removeRun(run) };
}

/** Files that a sweep writes next to its runs. The list of trials goes last. */
const ownFiles = ["report.html", "table.csv", "summary.json", "figures", gridFile];

/**
 * Removes the runs of a sweep and what it wrote, and its folder if nothing else is in it.
 * @returns the names that were left in the folder
 * @throws InUse if one of its runs is in progress
 */
async function removeSweep(folder: string, { trials }: StoredSweep): Promise<string[]> {
  for (const { folder: name } of trials) {
    const run = await findRun(join(folder, name)).catch(() => undefined);
    if (run) await removeRun(run);
  }
  for (const name of ownFiles) await rm(join(folder, name), { recursive: true, force: true });
  const left = await readdir(folder);
  if (left.length === 0) await rmdir(folder);
  return left;
}
