import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";

/**
 * Reads the imports of all source files, those of types and dynamic ones too.
 * @returns by file, the names that it imports, as written
 */
export async function readImports() {
  const folders = await Promise.all(
    ["libs", "apps", "e2e"].map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name)),
    ),
  );
  const files = folders
    .flat()
    .filter((file) => /(?<!\.d)\.tsx?$/.test(file) && !/\/(node_modules|dist|gen)\//.test(file));
  return new Map(
    await Promise.all(
      files.map(async (file) => {
        const { importedFiles } = ts.preProcessFile(await readFile(file, "utf8"), true, true);
        return [file, importedFiles.map(({ fileName }) => fileName)];
      }),
    ),
  );
}
