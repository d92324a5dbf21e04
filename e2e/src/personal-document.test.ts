import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { personalLoaders } from "@fedclair/rules/client-loaders";
import { fedclair } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { readResultBytes } from "./support/federation.js";
import { workspace } from "./support/paths.js";
import { typeCheck } from "./support/type-check.js";

describe("docs/personal.md", () => {
  it("runs personal methods on two hosts, and a custom one, with the bytes of one process", async () => {
    const isStudy = (line: string) => line.startsWith("npm run lab -- personal");
    const { folder, code, stdout, stderr } = await runDocument("docs/personal.md", isStudy);
    assert.equal(code, 0, stdout.slice(-3000) + stderr);
    assert.match(stdout, /^ditto +10 /m);
    assert.match(stdout, /^pfedme {2}\S/m);
    assert.match(stdout, /^ {2}6 passing/m);
    assert.match(stdout, /^fedbabu +10 /m);
    const typed = typeCheck(folder, ["fedbabu.js"]);
    assert.equal(typed.status, 0, typed.stdout);

    const [first] = [...stdout.matchAll(/^report: (.*)\/report\.html$/gm)].map(([, run]) => run);
    const again = ["run", "personal.yaml", "--transport", "memory", "--no-report", "--out", "one"];
    const one = await fedclair(again, { cwd: folder });
    assert.equal(one.code, 0, one.stderr);
    const expected = await readResultBytes(join(folder, first ?? assert.fail(stdout)));
    assert.deepEqual(await readResultBytes(join(folder, "one")), expected);
    const verified = await fedclair(["verify", "one"], { cwd: folder });
    assert.equal(verified.code, 0, verified.stderr);
  });

  it("describes every method", async () => {
    const text = await readFile(join(workspace, "docs/personal.md"), "utf8");
    const described = [...text.matchAll(/^\| `([a-z-]+)` /gm)].map(([, name]) => name);
    assert.deepEqual(described.sort(), Object.keys(personalLoaders).sort());
  });
});
