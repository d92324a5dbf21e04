import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/own-experiment.md", function () {
  this.timeout(300_000);

  it("leads from an empty folder to an experiment", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/own-experiment.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /same-way flagged 4 of 4 contaminated clients .* with no false alarm/);
    assert.match(stdout, /2 passed, 0 failed/);
    assert.match(stdout, /Least mean cosine with the others/);
    assert.match(stdout, /\d\d passing/);
    assert.match(
      stderr,
      /was read without task 'illness' 0\.1\.0, aggregator 'same-way' 0\.1\.0 and attack 'opposite' 0\.1\.0: pass/,
    );
    const runs = join(folder, "clinics/runs");
    const byHash = (await readdir(runs)).find((name) => /^wards-1-[0-9a-f]{8}$/.test(name)) ?? "";
    const [one, two] = await Promise.all(
      [byHash, "two-hosts"].map((run) => readFile(join(runs, run, "records.jsonl"), "utf8")),
    );
    assert.equal(one, two);
  });
});
