import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/runs.md", function () {
  it("creates, shows and compares runs, runs them without clients and checks them", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/runs.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^runs\/first +done +\d+ /m);
    assert.match(stderr, /^done before, 20.*: --again runs it again$/m);
    assert.match(stdout, /^trial +first +second\nrounds +\d+ +2\n/m);
    assert.match(stdout, /^runs\/second: done, began 20/m);
    const runs = await readdir(join(folder, "runs"));
    assert.deepEqual(
      runs.filter((name) => /^(first|second)/.test(name)),
      ["first"],
    );
    assert.match(
      stdout,
      /^flagged: c01, .*The first update of them entered the result in round 1\.$/m,
    );
    assert.match(stdout, /identical, byte for byte/);
    assert.ok(existsSync(join(folder, "compared.html")));
  });
});
