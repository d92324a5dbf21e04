import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "./make-folder.js";

describe("makeFolder", () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(join(tmpdir(), "fedclair-"))));
  afterEach(() => rm(root, { recursive: true }));

  it("creates a folder and its parents, and returns true to only one of several callers", async () => {
    for (let turn = 0; turn < 20; turn++) {
      const path = join(root, `${turn}`, "a", "b");
      const created = await Promise.all(Array.from({ length: 8 }, () => makeFolder(path)));
      assert.equal(created.filter(Boolean).length, 1);
    }
  });

  it("throws if a file is in the way, or if no folder can be created there", async () => {
    await writeFile(join(root, "file"), "");
    await assert.rejects(makeFolder(join(root, "file")), { code: "EEXIST" });
    await assert.rejects(makeFolder(join(root, "file", "in")), { code: "ENOTDIR" });
    await assert.rejects(makeFolder("/proc/fedclair/in"), /ENOENT|EROFS|EACCES/);
  });
});
