import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@fedclair/core/errors";

/** The trial files under a path, sorted, but for those that runs keep of their own. */
export async function trialFiles(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => {
      throw new UserError(`no trial file or folder '${path}'`);
    },
  );
  if (!isFolder) return [path];
  const entries = await readdir(path, { recursive: true });
  const runs = new Set(entries.filter((name) => basename(name) === "run.json").map(dirname));
  return entries
    .filter((name) => name.endsWith(".yaml") && !runs.has(dirname(name)))
    .sort()
    .map((name) => join(path, name));
}
