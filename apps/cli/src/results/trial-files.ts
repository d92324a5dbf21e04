import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { UserError } from "@fedclair/core/errors";

/** Folders of packages and of tools, whose files are not the user's. */
const foreign = /(^|\/)(node_modules|site-packages|\.[^/]+)\//;

/**
 * Lists the trial files under a path, sorted, without those in run folders and packages. In a
 * folder, links and pipes are left out: an error about a file may show its first words.
 */
export async function trialFiles(path: string): Promise<string[]> {
  const isFolder = await stat(path).then(
    (entry) => entry.isDirectory(),
    () => {
      throw new UserError(`no trial file or folder '${path}'`);
    },
  );
  if (!isFolder) return [join(path)];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const runs = new Set(
    files.filter(({ name }) => name === "run.json").map(({ parentPath }) => parentPath),
  );
  return files
    .filter(({ name, parentPath }) => name.endsWith(".yaml") && !runs.has(parentPath))
    .map(({ name, parentPath }) => join(parentPath, name))
    .filter((file) => !foreign.test(relative(path, file)))
    .sort();
}
