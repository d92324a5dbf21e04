import assert from "node:assert/strict";
import { runDocument } from "./support/document-script.js";

describe("docs/typescript.md", function () {
  this.timeout(300_000);

  it("compiles and runs every program", async () => {
    const isInstallation = (line: string) => /^(cd ~|npm install )/.test(line);
    const { code, stdout, stderr } = await runDocument("docs/typescript.md", isInstallation);
    assert.equal(code, 0, stdout.slice(-3000) + stderr);
    assert.match(stdout, /^fedavg, round 10$/m);
    assert.match(stdout, /^runs\/wine-1-[0-9a-f]{8}: \d/m);
    assert.match(stdout, /^c\d\d contaminated contaminated \d/m);
    assert.match(stdout, /^runs\/estimate-1-[0-9a-f]{8} \[\]$/m);
    assert.match(stdout, /^stopped: Error: enough$/m);
    assert.match(stdout, /^goes on after 20 rounds$/m);
    assert.match(stdout, /^detection\.recall multi-krum /m);
    assert.match(stdout, /^done 0\.9/m);
    assert.match(stdout, /^identical$/m);
    assert.match(stdout, /'bad-random-1'/);
    assert.match(stdout, /^long 2$/m);
    assert.match(stdout, /, after \d\d jobs$/m);
  });
});
