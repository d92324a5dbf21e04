import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toyPlugins, toyTrial } from "@fedclair/core/testing";
import { checkData, findChangedData, hashData } from "./data-hash.js";

const toy = toyPlugins.tasks.get("toy") ?? assert.fail("no toy");

describe("the hash of a trial's data", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "data-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const reading = (path: string) => ({
    trial: { ...toyTrial(), task: { name: "toy", source: { path } } },
    taskPlugin: { ...toy, paths: ["source.path"] },
  });

  it("names a file that was edited, whatever its size and its time", async () => {
    const file = join(folder, "points.csv");
    await writeFile(file, "x,y\n1,2\n");
    await utimes(file, 1, 1);
    const data = await hashData(reading(file));
    assert.deepEqual(data, [{ path: file, sha256: data[0]?.sha256 }]);
    assert.equal(await findChangedData({ data }, reading(file)), undefined);
    await writeFile(file, "x,y\n1,3\n");
    await utimes(file, 1, 1);
    assert.equal(await findChangedData({ data }, reading(file)), file);
    const info = { data, hash: "", version: "", started: "", backend: "" };
    await assert.rejects(checkData({ folder: "runs/one", info }, reading(file)), {
      message: `the data in '${file}' have changed since the run in 'runs/one' began: restore them, or make a new run with --again`,
    });
  });

  it("covers the files in a folder and their names, and no hidden ones", async () => {
    await mkdir(join(folder, "b"));
    await writeFile(join(folder, "b", "1.csv"), "one");
    const data = await hashData(reading(folder));
    const changed = () => findChangedData({ data }, reading(folder));
    await writeFile(join(folder, ".DS_Store"), "");
    await symlink(folder, join(folder, "b", "again"));
    assert.equal(await changed(), undefined);
    await writeFile(join(folder, "b", "2.csv"), "two");
    assert.equal(await changed(), folder);
    await rm(join(folder, "b", "2.csv"));
    assert.equal(await changed(), undefined);
    await writeFile(join(folder, "b", "1.csv"), "two");
    assert.equal(await changed(), folder);
  });

  it("says nothing about data that are not here, and runs that have no hash", async () => {
    const file = join(folder, "points.csv");
    assert.deepEqual(await hashData(reading(file)), []);
    const data = [{ path: file, sha256: "a" }];
    assert.equal(await findChangedData({ data }, reading(file)), undefined);
    await writeFile(file, "x");
    assert.equal(await findChangedData({}, reading(file)), undefined);
  });
});
