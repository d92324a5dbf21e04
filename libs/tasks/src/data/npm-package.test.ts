import assert from "node:assert/strict";
import { exec } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { UserError } from "@fedclair/core";
import { cacheFolder, packageFolder } from "./npm-package.js";

const source = { name: "@scope/texts", version: "1.0.0", integrity: "sha512-unused" };

describe("packageFolder", () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), "fedclair-cache-"));
  });

  afterEach(() => rm(cache, { recursive: true }));

  it("fetches once, even for two simultaneous calls, and leaves nothing unfinished", async () => {
    let fetched = 0;
    const fetch = async (_source: unknown, folder: string) => {
      fetched++;
      await mkdir(join(folder, "inside"));
      await writeFile(join(folder, "inside", "a.txt"), "text");
      return join(folder, "inside");
    };
    const getFolder = () => packageFolder(source, "", cache, fetch);
    const [first, second] = await Promise.all([getFolder(), getFolder()]);
    const before = fetched;
    assert.equal(await getFolder(), first);
    assert.equal(fetched, before);
    assert.equal(first, second);
    assert.equal(await readFile(join(first, "a.txt"), "utf8"), "text");
    assert.deepEqual(await readdir(join(cache, "npm", "@scope")), ["texts-1.0.0"]);
  });

  it("checks the files at each call, and fetches a package of an earlier release again", async () => {
    const fetch = async (_source: unknown, folder: string) => {
      await writeFile(join(folder, "a.txt"), "text");
      return folder;
    };
    const getFolder = () => packageFolder(source, "", cache, fetch);
    const folder = await getFolder();
    const changed = /a\.txt' is not as it was fetched: remove '.*', and it is fetched again/;
    await writeFile(join(folder, "a.txt"), "Text");
    await assert.rejects(getFolder(), changed);
    await rm(join(folder, "a.txt"));
    await assert.rejects(getFolder(), changed);
    const manifest = join(folder, "fedclair-manifest.json");
    // A power cut may leave half of the manifest, or zeros.
    for (const spoil of [
      () => rm(manifest),
      () => writeFile(manifest, '{"a.t'),
      () => writeFile(manifest, "\0\0\0"),
      () => writeFile(manifest, "null"),
    ]) {
      await writeFile(join(folder, "a.txt"), "Text");
      await spoil();
      assert.equal(await getFolder(), folder);
      assert.equal(await readFile(join(folder, "a.txt"), "utf8"), "text");
    }
  });

  it("reports the failure and the remedy, and keeps nothing", async () => {
    const fetch = async (_source: unknown, folder: string) => {
      await writeFile(join(folder, "half.txt"), "");
      throw new Error("integrity checksum failed");
    };
    await assert.rejects(
      packageFolder(source, "give a folder", cache, fetch),
      (error) =>
        error instanceof UserError &&
        /@scope\/texts@1\.0\.0 .*checksum failed; give a folder/.test(error.message),
    );
    assert.deepEqual(await readdir(join(cache, "npm", "@scope")), []);
  });
});

describe("packageFolder from a registry", () => {
  let folder: string;
  let registry: Server;
  let integrity: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-registry-"));
    const { name, version } = source;
    const manifest = { name, version, dependencies: { "not-there": "1.0.0" } };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    await writeFile(join(folder, "a.txt"), "text");
    await promisify(exec)("npm pack --workspaces=false", { cwd: folder });
    const tarball = await readFile(join(folder, "scope-texts-1.0.0.tgz"));
    integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    registry = createServer(({ url, headers }, response) => {
      if (url === "/texts.tgz") return response.end(tarball);
      const dist = { tarball: `http://${headers.host ?? ""}/texts.tgz`, integrity };
      const versions = { [version]: { ...manifest, dist } };
      return response.end(JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
    });
    await once(registry.listen(0, "127.0.0.1"), "listening");
    process.env["npm_config_registry"] =
      `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
    process.env["npm_config_cache"] = join(folder, "npm-cache");
  });
  after(async () => {
    delete process.env["npm_config_registry"];
    delete process.env["npm_config_cache"];
    registry.close();
    await rm(folder, { recursive: true });
  });

  it("has the package's own files and none of its dependencies", async () => {
    const files = await packageFolder({ ...source, integrity }, "", join(folder, "cache"));
    assert.equal(await readFile(join(files, "a.txt"), "utf8"), "text");
    assert.deepEqual(await readdir(files), ["a.txt", "fedclair-manifest.json", "package.json"]);
  });

  it("rejects a tarball with another hash", async () => {
    const other = `sha512-${createHash("sha512").update("other").digest("base64")}`;
    const cache = join(folder, "other");
    await assert.rejects(
      packageFolder({ ...source, integrity: other }, "give a folder", cache),
      /cannot fetch @scope\/texts@1\.0\.0 into .*: code EINTEGRITY .*checksum failed.*; give a folder/,
    );
    assert.deepEqual(await readdir(join(cache, "npm", "@scope")), []);
  });
});

describe("cacheFolder", () => {
  it("prefers the program's own variable to the shared one, and ignores empty ones", () => {
    assert.equal(cacheFolder({ FEDCLAIR_CACHE: "/own", XDG_CACHE_HOME: "/shared" }), "/own");
    assert.equal(
      cacheFolder({ FEDCLAIR_CACHE: "", XDG_CACHE_HOME: "/shared" }),
      "/shared/fedclair",
    );
    assert.match(cacheFolder({}), /\.cache.fedclair$/);
  });
});
