import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { modLoaders } from "@fedclair/rules/client-loaders";
import { runDocument } from "./support/document-script.js";
import { readRecords } from "./support/federation.js";
import { workspace } from "./support/paths.js";
import { typeCheck } from "./support/type-check.js";

describe("docs/mods.md", () => {
  it("runs a private trial on two hosts and a custom mod", async () => {
    // The document's sweeps take minutes and are not run here.
    const isSweep = (line: string) => line.startsWith("npx fedclair sweep ");
    const { folder, code, stdout, stderr } = await runDocument("docs/mods.md", isSweep);
    assert.equal(code, 0, stdout.slice(-3000) + stderr);
    assert.match(stdout, /clair flagged 6 of 6 contaminated clients in the only round/);
    assert.match(stdout, /^differential-privacy \(clip 6, .*\): epsilon at most 2560$/m);
    assert.match(stdout, /^encoding \(dtype int8\)$/m);
    assert.match(stdout, /^ {2}16 passing/m);
    assert.match(stdout, /^largest {2}The largest numbers of each module alone\.$/m);
    const [record] = await readRecords(join(folder, "runs/largest"));
    assert.deepEqual(record?.clients[0]?.mods, { largest: { modules: 1 } });
    const page = await readFile(join(folder, "runs/largest/report.html"), "utf8");
    assert.match(page, /<dt>mod<\/dt>\s*<dd>largest \(part 0\.5\): modules at most 1<\/dd>/);
    assert.match(page, /<code>mods\.largest\.modules<\/code>/);
    const typed = typeCheck(folder, ["largest.js"]);
    assert.equal(typed.status, 0, typed.stdout);
  });

  it("describes every mod", async () => {
    const text = await readFile(join(workspace, "docs/mods.md"), "utf8");
    const described = [...text.matchAll(/^## `([a-z-]+)`$/gm)].map(([, name]) => name);
    assert.deepEqual(described.sort(), Object.keys(modLoaders).sort());
  });
});
