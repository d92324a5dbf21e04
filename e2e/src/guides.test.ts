import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";
import { installPython, requirePython } from "./support/python.js";
import { requireOpenssl } from "./support/secrets.js";

describe("docs/first-answer.md", () => {
  it("leads to an answer and to a trial of one's own", async () => {
    const isInstallation = (line: string) => /^npm (ci|run build|run install-command)$/.test(line);
    const { code, stdout, stderr } = await runDocument("docs/first-answer.md", isInstallation);
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^clair +14 +0\.63 +1\.06$/m);
    assert.match(stdout, /^oracle +14 +27\.1 +3\.63$/m);
    assert.match(stdout, /clair flagged 6 of 6 contaminated clients in the only round, with no f/);
    assert.match(stdout, /^trial +first +lies$/m);
    assert.match(stdout, /^report: runs\/mine\/report\.html$/m);
  });
});

describe("docs/paper-study.md", function () {
  this.timeout(300_000);

  it("leads to tables, exports and a claim that is checked", async () => {
    const { folder, code, stdout, stderr } = await runDocument("docs/paper-study.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(stdout, /^gaussian-update +0\.619 ± 0\.056 \(3\) +28\.440 ± 2\.356 \(3\) /m);
    assert.match(stdout, /^runs\/rules: 18 runs: 18 done$/m);
    assert.match(stdout, /2 passed, 0 failed/);
    assert.match(stdout, /^(\d) of \1 compared rounds? identical, byte for byte$/m);
    for (const file of [
      "runs/rules/table.csv",
      "runs/rules/report.html",
      "rules-csv/means.csv",
      "runs/rules-paper/ro-crate-metadata.json",
    ])
      assert.ok(existsSync(join(folder, file)), file);
  });
});

describe("docs/many-machines.md: one trial on several machines", () => {
  requireOpenssl();

  it("gives the same bytes on two hosts as on one machine", async () => {
    const { code, stdout, stderr } = await runDocument(
      "docs/many-machines.md",
      () => false,
      (heading) => heading === "One trial on several machines",
    );
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.equal(stdout.match(/clair flagged 6 of 6 contaminated clients/g)?.length, 2);
    for (const host of ["one", "two"]) assert.match(stderr, new RegExp(`'${host}' \\(.*joined`));
  });
});

describe("docs/python-clients.md: a PyTorch model", function () {
  this.timeout(300_000);

  requirePython("torch");

  it("runs a federation of a PyTorch model", async () => {
    const python = (await installPython("torch")) ?? "";
    const isInstallation = (line: string) => /^(python3 -m venv|source|pip) /.test(line);
    const before = process.env["VIRTUAL_ENV"];
    process.env["VIRTUAL_ENV"] = join(python, "../..");
    try {
      const { code, stdout, stderr } = await runDocument(
        "docs/python-clients.md",
        isInstallation,
        (heading) => heading === "A PyTorch model",
      );
      assert.equal(code, 0, stdout.slice(-2000) + stderr);
      assert.match(stdout, /clair flagged 6 of 6 contaminated clients/);
    } finally {
      if (before === undefined) delete process.env["VIRTUAL_ENV"];
      else process.env["VIRTUAL_ENV"] = before;
    }
  });
});
