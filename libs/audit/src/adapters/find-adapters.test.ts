import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { findAdapters } from "./find-adapters.js";
import { formatFound } from "./found-text.js";

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

  it("lists folders that are hidden or have no name in UTF-8, and shows spaces in names", async () => {
    await createAdapters("a", "a ", ".c/d");
    for (const byte of [0xfe, 0xff]) mkdirSync(Buffer.from([...Buffer.from(`${root}/`), byte]));
    const hidden = [".c", "\\xfe", "\\xff"].map((name) => join(root, name));
    const found = await findAdapters([root]);
    assert.deepEqual(found.skipped, hidden);
    assert.deepEqual(
      found.adapters.map(({ name, folder }) => [name, relative(root, folder)]),
      [
        ["a", "a"],
        ["a\\u{20}", "a "],
      ],
    );
  });

  it("follows no links to folders, and says so", async () => {
    const [evil = ""] = await createAdapters("evil", "good");
    for (const name of ["x", "y"]) await symlink("../evil", join(evil, name));
    await symlink("evil", join(root, "z"));
    const found = await findAdapters([root]);
    assert.deepEqual(
      found.adapters.map(({ name }) => name),
      ["evil", "good"],
    );
    const links = [join(root, "z"), join(evil, "x"), join(evil, "y")];
    assert.deepEqual(found.links, links);
    assert.deepEqual(formatFound(found), [
      `2 adapters in ${root}`,
      `links are not followed: ${links.join(", ")}`,
    ]);
    assert.deepEqual(await namesAt(join(root, "z")), ["z"]);
    await mkdir(join(root, "e"));
    await symlink("../evil", join(root, "e", "l"));
    await assert.rejects(findAdapters([join(root, "e")]), /'.*e\/l' is a link, and links are not/);
  });

  it("counts the adapters of each folder", async () => {
    const inner = Array.from({ length: 20 }, (_, k) => `evil/deep/x${k}`);
    const paths = await createAdapters("a", "b", "evil", ...inner);
    const place = (folder: string, adapters: number) => ({ folder, adapters });
    assert.deepEqual((await findAdapters([root])).places, [
      place(root, 3),
      place(join(root, "evil"), 20),
    ]);
    assert.deepEqual((await findAdapters(paths.slice(0, 2))).places, [place(root, 2)]);
    const clients = Array.from({ length: 12 }, (_, k) => `c${k}/adapter`);
    await createAdapters(...clients, "c0/other");
    const lines = formatFound(await findAdapters([root]));
    assert.deepEqual(
      [lines[0], lines[1], lines[2], lines.at(-1)],
      [
        `20 adapters in ${join(root, "evil")}`,
        `3 adapters in ${root}`,
        `2 adapters in ${join(root, "c0")}`,
        "4 adapters in 4 more folders",
      ],
    );
  });

  it("throws if a path has no adapter", async () => {
    await assert.rejects(findAdapters([root]), /no adapter in '.*pile-/);
    await assert.rejects(findAdapters([join(root, "none")]), /no folder '.*none'/);
  });
});
