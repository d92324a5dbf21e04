import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { bytesOf, recordsOf } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";

describe("alberdice over sockets", () => {
  it("has two hosts cross the bridge with three of ten clients reversed, as in one process", async () => {
    const folder = await temporaryFolder();
    const trial = join(workspace, "trials/alberdice/bridge-reverse.yaml");
    const small = [...["--set", "rounds=4", "--set", "task.sweeps=2", "--set", "baselines=[]"]];
    const run = async (way: string, ...options: string[]) => {
      const out = join(folder, way);
      const ended = await fedclair(["run", trial, "--out", out, ...small, ...options]);
      assert.equal(ended.code, 0, ended.stderr);
      return out;
    };
    const hosts = await run("hosts", "--hosts", "2");
    const records = await recordsOf(hosts);
    assert.deepEqual(
      records.map(({ phase }) => phase),
      ["agent0", "agent1", "agent0", "agent1"],
    );
    for (const { clients, metrics } of records) {
      for (const { attack, verdict, failure } of clients) {
        assert.equal(failure, null);
        assert.equal(verdict, attack === null ? "benign" : "contaminated");
      }
      assert.ok(Number.isFinite(metrics["return"]) && Number.isFinite(metrics["nashGap"]));
    }
    assert.deepEqual(
      await bytesOf(hosts),
      await bytesOf(await run("memory", "--transport", "memory")),
    );
  });
});
