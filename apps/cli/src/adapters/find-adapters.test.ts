import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { findAdapters } from "./find-adapters.js";

describe("a pile of adapters", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pile-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  const place = async (...names: readonly string[]): Promise<string[]> => {
    for (const name of names) {
      await mkdir(join(root, name), { recursive: true });
      await writeFile(join(root, name, "adapter_config.json"), "{}");
    }
    return names.map((name) => join(root, name));
  };
  const namesAt = async (...paths: readonly string[]): Promise<string[]> =>
    (await findAdapters(paths)).adapters.map(({ name }) => name);

  it("is the adapters at the paths and in folders of them, each once", async () => {
    const [b = "", a = ""] = await place("b", "a");
    assert.deepEqual((await findAdapters([root])).adapters, [
      { name: "a", folder: a },
      { name: "b", folder: b },
    ]);
    assert.deepEqual(await namesAt(b, root, `${a}/`), ["b", "a"]);
  });

  it("tells adapters of one name apart by their paths", async () => {
    const paths = await place("x/site0/adapter", "x/site1/adapter", "y/site0/adapter");
    assert.deepEqual(await namesAt(...paths.slice(0, 2)), ["site0/adapter", "site1/adapter"]);
    assert.deepEqual(await namesAt(...paths), [
      "x/site0/adapter",
      "x/site1/adapter",
      "y/site0/adapter",
    ]);
    const nested = await place("a", "a/b/a");
    assert.deepEqual(await namesAt(...nested), ["a", "a/b/a"]);
  });

  it("is also adapters in deeper folders, and not their earlier checkpoints", async () => {
    await place("round_1/client_0/adapter", "round_1/client_1/adapter", "top", "top/checkpoint-40");
    await place("kept/checkpoint-8", "kept/checkpoint-40", "kept/checkpoint-16");
    await mkdir(join(root, ".git", "adapter"), { recursive: true });
    await writeFile(join(root, ".git", "adapter", "adapter_config.json"), "{}");
    assert.deepEqual(await namesAt(root), [
      "kept/checkpoint-40",
      "round_1/client_0/adapter",
      "round_1/client_1/adapter",
      "top",
    ]);
    await place("round_2/client_0/adapter", "Round-10/client_0/adapter");
    const { checkpoints } = await findAdapters([root]);
    assert.deepEqual(checkpoints.map((folder) => relative(root, folder)).sort(), [
      "kept/checkpoint-16",
      "kept/checkpoint-8",
      "round_1/client_0/adapter",
      "round_2/client_0/adapter",
      "top/checkpoint-40",
    ]);
    assert.equal((await namesAt(join(root, "kept"))).length, 3);
  });

  it("is all rounds of one client, where these alone are named", async () => {
    await place("round_1", "round_2", "round_10");
    assert.deepEqual(await namesAt(root), ["round_1", "round_10", "round_2"]);
    assert.deepEqual((await findAdapters([root])).checkpoints, []);
  });

  it("names the folders beside adapters that are none", async () => {
    await place("a");
    await mkdir(join(root, "b"));
    await writeFile(join(root, "notes.txt"), "");
    assert.deepEqual((await findAdapters([root])).skipped, [join(root, "b")]);
  });

  it("is never empty", async () => {
    await assert.rejects(findAdapters([root]), /no adapter in '.*pile-/);
    await assert.rejects(findAdapters([join(root, "none")]), /no folder '.*none'/);
  });
});
