// Removes compiled files whose source no longer exists. The compiler leaves them in place, and
// mocha would run the tests among them.
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

const parents = ["libs", "libs/methods", "apps"];
const projects = (
  await Promise.all(
    parents.map(async (parent) => (await readdir(parent)).map((name) => join(parent, name))),
  )
).flat();
for (const project of [...projects, "e2e"]) {
  const dist = join(project, "dist");
  if (!existsSync(dist)) continue;
  for (const file of await readdir(dist, { recursive: true })) {
    const [, source] = /^(.*)\.(?:js|d\.ts)(?:\.map)?$/.exec(file) ?? [];
    if (source === undefined || hasSource(join(project, source))) continue;
    await rm(join(dist, file));
  }
}

function hasSource(path) {
  return existsSync(`${path}.ts`) || existsSync(`${path}.tsx`);
}
