import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { findAdapters } from "./find-adapters.js";

describe("findAdapters", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pile-"));
  });
  afterEach(() => rm(root, { recursive: true }));

  const createAdapters = async (...names: readonly string[]): Promise<string[]> => {
    for (const name of names) {
      await mkdir(join(root, name), { recursive: true });
      await writeFile(join(root, name, "adapter_config.json"), "{}");
    }
    return names.map((name) => join(root, name));
  };
  const namesAt = async (...paths: readonly string[]): Promise<string[]> =>
    (await findAdapters(paths)).adapters.map(({ name }) => name);

  it("finds adapters at the paths and in folders below them, each once", async () => {
    const [b = "", a = ""] = await createAdapters("b", "a");
    assert.deepEqual((await findAdapters([root])).adapters, [
      { name: "a", folder: a },
      { name: "b", folder: b },
    ]);
    assert.deepEqual(await namesAt(b, root, `${a}/`), ["b", "a"]);
  });

  it("distinguishes adapters with the same folder name by their paths", async () => {
    const paths = await createAdapters("x/site0/adapter", "x/site1/adapter", "y/site0/adapter");
    assert.deepEqual(await namesAt(...paths.slice(0, 2)), ["site0/adapter", "site1/adapter"]);
    assert.deepEqual(await namesAt(...paths), [
      "x/site0/adapter",
      "x/site1/adapter",
      "y/site0/adapter",
    ]);
    const nested = await createAdapters("a", "a/b/a");
    assert.deepEqual(await namesAt(...nested), ["a", "a/b/a"]);
  });

  it("finds adapters in deeper folders and skips their earlier checkpoints", async () => {
    await createAdapters(
      "round_1/client_0/adapter",
      "round_1/client_1/adapter",
      "top",
      "top/checkpoint-40",
    );
    await createAdapters("kept/checkpoint-8", "kept/checkpoint-40", "kept/checkpoint-16");
    await mkdir(join(root, ".git", "adapter"), { recursive: true });
    await writeFile(join(root, ".git", "adapter", "adapter_config.json"), "{}");
    assert.deepEqual(await namesAt(root), [
      "kept/checkpoint-40",
      "round_1/client_0/adapter",
      "round_1/client_1/adapter",
      "top",
    ]);
    await createAdapters("round_2/client_0/adapter", "Round-10/client_0/adapter");
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

  it("keeps all rounds of one client if the path holds nothing else", async () => {
    await createAdapters("round_1", "round_2", "round_10");
    assert.deepEqual(await namesAt(root), ["round_1", "round_10", "round_2"]);
    assert.deepEqual((await findAdapters([root])).checkpoints, []);
  });

  it("lists folders next to adapters that are not adapters", async () => {
    await createAdapters("a");
    await mkdir(join(root, "b"));
    await writeFile(join(root, "notes.txt"), "");
    assert.deepEqual((await findAdapters([root])).skipped, [join(root, "b")]);
  });

  it("throws if a path has no adapter", async () => {
    await assert.rejects(findAdapters([root]), /no adapter in '.*pile-/);
    await assert.rejects(findAdapters([join(root, "none")]), /no folder '.*none'/);
  });
});
