import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core/errors";

/** The trial files under a path, sorted. */
export async function trialFiles(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => {
      throw new UserError(`no trial file or folder '${path}'`);
    },
  );
  if (!isFolder) return [path];
  const entries = await readdir(path, { recursive: true });
  return entries
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .map((name) => join(path, name));
}
