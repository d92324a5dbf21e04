import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./make-folder.js";

describe("makeFolder", () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), "fedclair-"))));
  afterEach(() => rm(root, { recursive: true }));

  it("makes a folder and those above it, of many that ask at a time for one alone", async () => {
    for (let turn = 0; turn < 20; turn++) {
      const path = join(root, `${turn}`, "a", "b");
      const made = await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
      assert.equal(made.filter(Boolean).length, 1);
    }
  });

  it("throws where a file stands, and where nothing can be made", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(makeFolder(join(root, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(root, "file", "in")), { code: "ENOTDIR" });
    await assert.rejects(makeFolder("/proc/fedclair/in"), /ENOENT|EROFS|EACCES/);
  });
});
