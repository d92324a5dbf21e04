import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/seeds.md", function () {
  this.timeout(300_000); // a dozen commands with several runs each

  it("runs, compares, exports and verifies studies", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/seeds.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^clair +0\.\d+ ± 0\.\d+ \(3\) /m);
    assert.match(stdout, /^clair − local +error +-[\d.]+ \[-[\d.]+, -[\d.]+\] \(3\) +better$/m);
    assert.match(stdout, /^clair: flagged 18 of 18 contaminated clients \(82–100 %\) and /m);
    assert.match(stdout, /^runs\/gaussian: 3 runs: 3 done$/m);
    assert.match(stdout, /^measure +rules: clair +rules: multi-krum +gaussian$/m);
    assert.match(
      stdout,
      /error\.gainOver\.local: measured mean -.*\(3\); expected 95 % interval ≤ 0$/m,
    );
    assert.match(stdout, /^removed runs\/gaussian$/m);
    const runs = await readdir(join(folder, "runs", "rules"));
    assert.deepEqual(
      runs.filter((name) => name.startsWith("clair")),
      ["clair-seed-1", "clair-seed-2", "clair-seed-3"],
    );
    assert.ok(runs.includes("report.html"));
    assert.ok(!existsSync(join(folder, "runs", "gaussian")));
    assert.ok(existsSync(join(folder, "compared.html")));
    const means = await readFile(join(folder, "rules-csv", "means.csv"), "utf8");
    assert.match(means, /^error,,clair,,/m);
    const rounds = await readFile(join(folder, "rules-csv", "rounds.csv"), "utf8");
    assert.match(rounds, /^run,seed,aggregator,arm,round,/);
  });
});
