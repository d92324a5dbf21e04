import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";
import { requirePrograms } from "./support/programs.js";
import { requireOpenssl } from "./support/secrets.js";

describe("docs/many-machines.md: sweeps", () => {
  requirePrograms("valkey-server");
  requireOpenssl();

  it("runs a sweep on several workers with a queue and writes a Slurm job", async () => {
    const { folder, code, stdout, stderr } = await runDocument(
      "docs/many-machines.md",
      () => false,
      (heading) => heading !== "One trial on several machines", // guides.test.ts runs it
    );
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(
      stderr,
      /trials are queued at redis:\/\/127\.0\.0\.1:\d+ for every (npx )?fedclair worker/,
    );
    assert.match(stdout, /^#SBATCH --array=0-3%2$/m);
    assert.match(stdout, /^report: runs\/shared\/report/m);
    assert.match(await readFile(join(folder, "cluster/host-3.token"), "utf8"), /^fct1\./);
  });
});
