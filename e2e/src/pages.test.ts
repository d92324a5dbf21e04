import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { listDocuments } from "./support/documented-commands.js";
import { workspace } from "./support/paths.js";

describe("the pages of the documentation", () => {
  it("are all listed in docs/README.md, with a summary, or on a page of their folder", () => {
    const linked = new Set<string>();
    for (const index of ["docs/README.md", "docs/decisions/README.md"]) {
      const text = readFileSync(join(workspace, index), "utf8");
      const items = [...text.matchAll(/^- \[.+\]\((\S+)\)(.*)$/gm)];
      for (const [item, link = "", summary = ""] of items) {
        linked.add(join(index, "..", link));
        if (index === "docs/README.md") assert.match(summary, /^: \w/, item);
      }
    }
    const pages = listDocuments().filter((path) => path.includes("/"));
    assert.ok(pages.length > 50);
    const missing = pages.filter((path) => !linked.has(path) && path !== "docs/README.md");
    assert.deepEqual(missing, []);
  });

  it("that are generated are up to date", () => {
    const script = join(workspace, "scripts/reference.js");
    const args = [script, "--check"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
});
