import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { workspace } from "./support/paths.js";

const source = join(workspace, "libs/clair/src");

/** Numeric constants of rule `evidence`, as `file: name = value`. */
async function readConstants(): Promise<string[]> {
  const paths = ["judge", "measures"].map(async (room) =>
    (await readdir(join(source, room)))
      .filter((name) => /^(?!.*\.test\.).*\.ts$/.test(name) && name !== "gap.ts")
      .map((name) => join(source, room, name)),
  );
  const found = await Promise.all(
    (await Promise.all(paths)).flat().map(async (path) => {
      const [file, text] = [basename(path), await readFile(path, "utf8")];
      const constants = text.matchAll(
        /^(?:export )?const (\w+|\[[\w, ]+\])(?:: \w+)? = ([\d.e-]+|\[[\d., ]+\]|\{(?:\s*\w+: [\d.e-]+,?)+\s*\});$/gm,
      );
      return Array.from(constants, ([, name, value]) => `${file}: ${name} = ${value}`);
    }),
  );
  return found.flat().sort();
}

describe("the constants in docs/clair-limits.md", () => {
  it("are those of the code, with their values", async () => {
    const text = await readFile(join(workspace, "docs/clair-limits.md"), "utf8");
    const rows = text.matchAll(
      /^\| `(\w+|\[[\w, ]+\])` +\| ([\d.e-]+|\[[\d., ]+\]) +\| `([\w-]+\.ts)` +\|/gm,
    );
    const listed = Array.from(rows, ([, name, value, file]) => `${file}: ${name} = ${value}`);
    assert.deepEqual(listed.sort(), await readConstants());
  });
});
