import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { bytesOf, recordsOf } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";

const trial = join(workspace, "trials/copy-average/sign-flip.yaml");

describe("copy-average over sockets", () => {
  it("gives the bytes of one process, and finds the students of the negated teacher", async () => {
    const folder = await temporaryFolder();
    const run = async (out: string, ...options: string[]) => {
      const small = ["--set", "rounds=1", "--set", "baselines=[]", "--set", "task.d=12"];
      const args = ["--out", join(folder, out), ...small, ...options];
      const ended = await fedclair(["run", trial, ...args]);
      assert.equal(ended.code, 0, ended.stderr);
    };
    await run("memory", "--transport", "memory");
    await run("sockets", "--hosts", "2");
    const sockets = join(folder, "sockets");
    assert.deepEqual(await bytesOf(sockets), await bytesOf(join(folder, "memory")));
    const [first] = await recordsOf(sockets);
    assert.deepEqual(
      first?.clients.map(({ verdict }) => verdict),
      first?.clients.map(({ attack }) => (attack === "sign-flip" ? "contaminated" : "benign")),
    );
  });
});
