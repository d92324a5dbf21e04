import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

const folder = join(workspace, "libs/clair/src/evidence");

/** Numeric constants of rule `evidence`, as `file: name = value`. */
async function readConstants(): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => /^(?!.*\.test\.).*\.ts$/.test(name));
  const found = await Promise.all(
    names.map(async (file) => {
      const text = await readFile(join(folder, file), "utf8");
      const constants = text.matchAll(
        /^(?:export )?const (\w+|\[[\w, ]+\])(?:: \w+)? = ([\d.e-]+|\[[\d., ]+\]|\{(?:\s*\w+: [\d.e-]+,?)+\s*\});$/gm,
      );
      return Array.from(constants, ([, name, value]) => `${file}: ${name} = ${asListed(value)}`);
    }),
  );
  return found.flat().sort();
}

/** Writes an object as the documentation does: `{ a: 1, b: 2 }` as `a 1, b 2`. */
function asListed(value = ""): string {
  return value.replaceAll(/[{}:]/g, "").replaceAll(/\s+/g, " ").replace(/,? $/, "").trim();
}

describe("the constants in docs/clair-limits.md", () => {
  it("are those of the code, with their values", async () => {
    const text = await readFile(join(workspace, "docs/clair-limits.md"), "utf8");
    const rows = text.matchAll(
      /^\| `(\w+|\[[\w, ]+\])` +\| ([\d.e-]+|\[[\d., ]+\]) +\| `([\w-]+\.ts)` +\|/gm,
    );
    const listed = Array.from(rows, ([, name, value, file]) => `${file}: ${name} = ${value}`);
    const lists = text.matchAll(/ `(\w+)` in `([\w-]+\.ts)`:\n([^.]+(?:\.\d[^.]*)*)\.\n/g);
    listed.push(...Array.from(lists, ([, name, file, list]) => `${file}: ${name} = ${list}`));
    assert.deepEqual(listed.sort(), await readConstants());
  });
});
