// Fails if files import one another in a cycle. Imports of types count as well.
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import ts from "typescript";

const files = (
  await Promise.all(
    ["libs", "apps", "e2e"].map(async (folder) =>
      (await readdir(folder, { recursive: true })).map((name) => join(folder, name)),
    ),
  )
)
  .flat()
  .filter((file) => /(?<!\.d)\.ts$/.test(file) && !/\/(node_modules|dist|gen)\//.test(file));

/** The files that each file imports by a relative path. */
const imports = new Map(
  await Promise.all(
    files.map(async (file) => {
      const { importedFiles } = ts.preProcessFile(await readFile(file, "utf8"), true, true);
      const relative = importedFiles.filter(({ fileName }) => fileName.startsWith("."));
      const to = relative.map(({ fileName }) =>
        join(dirname(file), fileName.replace(/\.js$/, ".ts")),
      );
      return [file, to];
    }),
  ),
);

const circles = [];
const path = [];
const done = new Set();
function follow(file) {
  const from = path.indexOf(file);
  if (from >= 0) circles.push(path.slice(from));
  if (from >= 0 || done.has(file)) return;
  path.push(file);
  for (const next of imports.get(file) ?? []) follow(next);
  path.pop();
  done.add(file);
}
for (const file of files) follow(file);

for (const circle of circles) {
  console.log(`error: import circle: ${[...circle, circle[0]].join(" → ")}`);
  process.exitCode = 1;
}
