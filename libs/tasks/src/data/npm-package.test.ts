import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { cacheFolder, packageFolder } from "./npm-package.js";

const source = { name: "@scope/texts", version: "1.0.0", integrity: "sha512-unused" };

describe("packageFolder", () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), "fedclair-cache-"));
  });

  afterEach(() => rm(cache, { recursive: true }));

  it("fetches once, also when two ask at the same time, and leaves nothing unfinished", async () => {
    let fetched = 0;
    const extract = async (_source: unknown, folder: string) => {
      fetched++;
      await writeFile(join(folder, "a.txt"), "text");
    };
    const ask = () => packageFolder(source, "", cache, extract);
    const [first, second] = await Promise.all([ask(), ask()]);
    const before = fetched;
    assert.equal(await ask(), first);
    assert.equal(fetched, before);
    assert.equal(first, second);
    assert.equal(await readFile(join(first, "a.txt"), "utf8"), "text");
    assert.deepEqual(await readdir(join(cache, "npm", "@scope")), ["texts-1.0.0"]);
  });

  it("says what failed and what to do instead, and keeps nothing", async () => {
    const extract = async (_source: unknown, folder: string) => {
      await writeFile(join(folder, "half.txt"), "");
      throw new Error("integrity checksum failed");
    };
    await assert.rejects(
      packageFolder(source, "give a folder", cache, extract),
      (error) =>
        error instanceof UserError &&
        /@scope\/texts@1\.0\.0 .*checksum failed; give a folder/.test(error.message),
    );
    assert.deepEqual(await readdir(join(cache, "npm", "@scope")), []);
  });
});

describe("cacheFolder", () => {
  it("prefers the program's own variable to the shared one, and takes neither when empty", () => {
    assert.equal(cacheFolder({ FEDCLAIR_CACHE: "/own", XDG_CACHE_HOME: "/shared" }), "/own");
    assert.equal(
      cacheFolder({ FEDCLAIR_CACHE: "", XDG_CACHE_HOME: "/shared" }),
      "/shared/fedclair",
    );
    assert.match(cacheFolder({}), /\.cache.fedclair$/);
  });
});
