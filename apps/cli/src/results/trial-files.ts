import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@fedclair/core/errors";

/** Lists the trial files under a path, sorted, without those in run folders. */
export async function trialFiles(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => {
      throw new UserError(`no trial file or folder '${path}'`);
    },
  );
  if (!isFolder) return [join(path)];
  const entries = await readdir(path, { recursive: true });
  const runs = new Set(entries.filter((name) => basename(name) === "run.json").map(dirname));
  return entries
    .filter((name) => name.endsWith(".yaml") && !runs.has(dirname(name)))
    .sort()
    .map((name) => join(path, name));
}
