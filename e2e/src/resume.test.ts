import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair, start } from "./support/command.js";
import { bytesOf, recordsOf, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

const trial = fixture("linear-regression");
const rounds = ["--set", "rounds=6"];

/** What an undisturbed run leaves, and what must be the same of any other. */
async function resultOf(out: string) {
  const summary = await readFile(join(out, "summary.json"), "utf8");
  return { ...(await bytesOf(out)), summary };
}

describe("a run whose processes are all killed", () => {
  let whole: Awaited<ReturnType<typeof resultOf>>;
  before(async () => {
    const out = await temporaryFolder();
    const ended = await fedclair(["run", trial, ...rounds, "--transport", "memory", "--out", out]);
    assert.equal(ended.code, 0, ended.stderr);
    whole = await resultOf(out);
  });

  for (const how of [
    ["--transport", "memory"],
    ["--hosts", "2"],
  ]) {
    it(`goes on to the same bytes with ${how.join(" ")}`, async () => {
      const out = await temporaryFolder();
      const run = start(["run", trial, ...rounds, ...how, "--out", out]);
      await run.says(/fedavg round 2:/);
      run.kill("SIGKILL", "group");
      await run.ended;
      const refused = await fedclair(["run", trial, ...rounds, ...how, "--out", out]);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /was interrupted after \d+ rounds: fedclair resume \S+ goes on/);
      const told = (await recordsOf(out)).length;
      const resumed = await fedclair(["resume", out, ...how]);
      assert.equal(resumed.code, 0, resumed.stderr);
      const [, from] = /^goes on after (\d+) rounds$/m.exec(resumed.stderr) ?? [];
      assert.ok(Number(from) >= 8 && Number(from) >= told - 1, `${from} of ${told}`);
      assert.deepEqual(await resultOf(out), whole);
    });
  }

  it("goes on with the hosts that are still there, once its coordinator listens again", async () => {
    const out = await temporaryFolder();
    const { coordinator, url } = await startCoordinator([trial, ...rounds, "--out", out]);
    const host = startHost(url, 10);
    await coordinator.says(/clair round 3:/);
    coordinator.kill("SIGKILL", "group");
    await coordinator.ended;
    const listen = ["--listen", new URL(url).host, "--resume"];
    const again = start(["coordinator", trial, ...rounds, "--out", out, ...listen]);
    assert.equal((await again.ended).code, 0, again.stderr);
    assert.match(again.stderr, /^goes on after [3-9] rounds$/m);
    assert.equal((await host.ended).code, 0);
    assert.deepEqual(await resultOf(out), whole);
  });

  it("cannot be begun by two at a time", async () => {
    const out = await temporaryFolder();
    const run = start(["run", fixture("long"), "--hosts", "1", "--out", out]);
    await run.says(/round 1:/);
    const before = await recordsOf(out);
    for (const second of [
      ["run", fixture("long"), "--out", out],
      ["resume", out],
      ["rm", out],
    ]) {
      const { code, stderr } = await fedclair(second);
      assert.equal(code, 2);
      assert.match(stderr, /is in use by process \d+ on \S+ since 20/);
    }
    run.kill("SIGINT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 130, stderr);
    assert.deepEqual((await recordsOf(out)).slice(0, before.length), before);
  });
});
