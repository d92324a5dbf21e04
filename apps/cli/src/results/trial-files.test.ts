import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { trialFiles } from "./trial-files.js";

describe("trialFiles", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    await mkdir(join(folder, "b"));
    for (const name of ["b/z.yaml", "a.yaml", "notes.md"]) await writeFile(join(folder, name), "");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("finds trial files at any depth, sorted, and accepts a single file", async () => {
    assert.deepEqual(await trialFiles(folder), [join(folder, "a.yaml"), join(folder, "b/z.yaml")]);
    assert.deepEqual(await trialFiles(join(folder, "a.yaml")), [join(folder, "a.yaml")]);
  });

  it("leaves out run folders, and links, which may lead to files of others", async () => {
    await writeFile(join(folder, "b/run.json"), "");
    await symlink(join(folder, "a.yaml"), join(folder, "link.yaml"));
    assert.deepEqual(await trialFiles(folder), [join(folder, "a.yaml")]);
  });

  it("leaves out the files of packages and tools", async () => {
    for (const name of ["node_modules/a", "v/lib/site-packages", ".github"]) {
      await mkdir(join(folder, name), { recursive: true });
      await writeFile(join(folder, name, "c.yaml"), "");
    }
    assert.equal((await trialFiles(folder)).length, 2);
    assert.equal((await trialFiles(join(folder, ".github"))).length, 1);
  });

  it("rejects a path that does not exist", async () => {
    await assert.rejects(trialFiles(join(folder, "c")), /no trial file or folder/);
  });
});
