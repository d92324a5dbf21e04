// Fails if files import one another in a cycle. Imports of types count as well.
import { dirname, join } from "node:path";
import { readImports } from "./lint/read-imports.js";

/** The files that each file imports by a relative path. */
const imports = new Map(
  [...(await readImports())].map(([file, names]) => {
    const relative = names.filter((name) => name.startsWith("."));
    return [file, relative.map((name) => join(dirname(file), name.replace(/\.js$/, ".ts")))];
  }),
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
for (const file of imports.keys()) follow(file);

for (const circle of circles) {
  console.log(`error: import circle: ${[...circle, circle[0]].join(" → ")}`);
  process.exitCode = 1;
}
