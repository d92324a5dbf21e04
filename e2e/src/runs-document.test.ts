import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/runs.md", () => {
  it("creates, shows and compares runs", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/runs.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^runs\/first +done +\d+ /m);
    assert.match(stderr, /^done before, 20.*: --again runs it again$/m);
    assert.match(stdout, /^trial +first +second\nrounds +\d+ +2\n/m);
    assert.match(stdout, /^runs\/second: done, began 20/m);
    assert.deepEqual(await readdir(join(folder, "runs")), ["first"]);
    assert.ok(existsSync(join(folder, "compared.html")));
  });
});
