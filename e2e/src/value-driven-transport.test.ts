import assert from "node:assert/strict";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { bytesOf, recordsOf } from "./support/federation.js";
import { temporaryFolder, workspace } from "./support/paths.js";

const trial = join(workspace, "trials/value-driven-transport/contaminated.yaml");
const small = ["rounds=2", "task.localSteps=2", "task.measureEvery=1", "task.evaluationSamples=30"];

describe("value-driven transport over sockets", () => {
  it("gives the bytes of one process, and Multi-Krum's verdict of every client", async () => {
    const folder = await temporaryFolder();
    const run = async (out: string, ...options: string[]) => {
      const set = small.flatMap((change) => ["--set", change]);
      const ended = await fedclair(["run", trial, "--out", join(folder, out), ...set, ...options]);
      assert.equal(ended.code, 0, ended.stderr);
    };
    await run("memory", "--transport", "memory");
    await run("sockets", "--hosts", "2");
    const sockets = join(folder, "sockets");
    assert.deepEqual(await bytesOf(sockets), await bytesOf(join(folder, "memory")));
    const [first] = await recordsOf(sockets);
    assert.equal(first?.clients.length, 12);
    assert.ok(first.clients.every(({ verdict, failure }) => verdict && failure === null));
    assert.ok((first.metrics.w2 ?? NaN) > 0);
  });
});
