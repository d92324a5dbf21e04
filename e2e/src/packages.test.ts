import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { workspace } from "./support/paths.js";

interface Manifest {
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string | { types: string; default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
}

/** Lists the files that npm would publish for each package, by its name. */
function listPacked(): Map<string, Set<string>> {
  const folders = ["libs", "libs/methods", "apps"].flatMap((folder) => ["--workspace", folder]);
  const args = ["pack", "--dry-run", "--json", ...folders];
  const { stdout, stderr, status } = spawnSync("npm", args, { cwd: workspace, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const packages = Object.values(
    JSON.parse(stdout) as Record<string, { name: string; files: { path: string }[] }>,
  );
  return new Map(packages.map(({ name, files }) => [name, new Set(files.map(({ path }) => path))]));
}

describe("the files that npm would publish", () => {
  it("include all exports and nothing that only tests use", () => {
    const packages = listPacked();
    assert.ok(packages.size > 8);
    for (const [name, files] of packages) {
      const path = join(workspace, "node_modules", name, "package.json");
      const manifest = JSON.parse(readFileSync(path, "utf8")) as Manifest;
      if (manifest.private) continue;
      const { exports = {}, bin = {} } = manifest;
      const entries = Object.values(exports).flatMap((e) =>
        typeof e === "string" ? e : Object.values(e),
      );
      const published = [...entries, ...Object.values(bin)].map((entry) => entry.replace("./", ""));
      assert.ok(published.length > 0, name);
      assert.ok(files.has("LICENSE"), name);
      for (const entry of published) {
        assert.ok(files.has(entry), `${name}: ${entry}`);
      }
      for (const file of files) {
        if (file.startsWith("templates/")) continue; // of `fedclair new`, with tests of their own
        assert.doesNotMatch(file, /\.test\.|(^|\/)fixtures\/|tsbuildinfo|\.map$/, name);
      }
    }
  });
});
