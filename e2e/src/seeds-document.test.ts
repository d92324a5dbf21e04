import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/seeds.md", function () {
  this.timeout(180_000); // a dozen commands with several runs each

  it("runs, compares, exports and verifies studies", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/seeds.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^clair +0\.\d+ ± 0\.\d+ \(5\)$/m);
    assert.match(stdout, /^clair − local +error +-[\d.]+ \[-[\d.]+, -[\d.]+\] \(5\) +better$/m);
    assert.match(stdout, /^clair: flagged 30 of 30 contaminated clients \(89–100 %\) and /m);
    assert.match(stdout, /^runs\/gaussian: 5 runs: 5 done$/m);
    assert.match(stdout, /^measure +gaussian +line$/m);
    assert.match(
      stdout,
      /error\.gainOver\.local: measured mean -.*\(5\); expected 95 % interval ≤ 0$/m,
    );
    assert.match(stdout, /^removed runs\/line$/m);
    const runs = await readdir(join(folder, "runs", "gaussian"));
    assert.deepEqual(
      runs.filter((name) => name.startsWith("seed")),
      ["seed-1", "seed-2", "seed-3", "seed-4", "seed-5"],
    );
    assert.ok(runs.includes("report.html"));
    assert.ok((await readdir(join(folder, "runs", "rules"))).includes("clair-sign-flip-seed-1"));
    assert.ok(!existsSync(join(folder, "runs", "line")));
    assert.ok(existsSync(join(folder, "compared.html")));
    const means = await readFile(join(folder, "rules-csv", "means.csv"), "utf8");
    assert.match(means, /^error,,sign-flip,clair,/m);
    const rounds = await readFile(join(folder, "rules-csv", "rounds.csv"), "utf8");
    assert.match(rounds, /^run,seed,aggregator,attacks,arm,round,/);
  });
});
