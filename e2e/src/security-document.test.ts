import assert from "node:assert/strict";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { readResultBytes } from "./support/federation.js";
import { workspace } from "./support/paths.js";
import { requireOpenssl } from "./support/secrets.js";

describe("docs/security.md", () => {
  requireOpenssl();

  it("creates private certificates and tokens, and runs a federation with them", async () => {
    const { folder, stdout, stderr } = await runDocument("docs/security.md");
    assert.match(stdout, /clair flagged 6 of 6 contaminated clients in the only round/, stderr);
    assert.match(stdout, /^clients {2}c00-c09$/m);
    for (const host of ["gpu-1", "gpu-2"])
      assert.match(stderr, new RegExp(`'${host}' \\(.*joined`));
    const secrets = join(folder, "secrets");
    for (const name of await readdir(secrets)) {
      assert.equal((await stat(join(secrets, name))).mode & 0o077, 0, name);
    }
    const memory = join(folder, "memory");
    const trial = join(workspace, "trials/linear-regression/gaussian.yaml");
    const how = ["--transport", "memory", "--out", memory, "--no-report"];
    const alone = await fedclair(["run", trial, ...how]);
    assert.equal(alone.code, 0, alone.stderr);
    assert.deepEqual(
      await readResultBytes(join(folder, "runs", "secured")),
      await readResultBytes(memory),
    );
  });
});
