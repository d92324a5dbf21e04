import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair, start } from "./support/command.js";
import { readResultBytes, readRecords, startCoordinator, startHost } from "./support/federation.js";
import { fixture, temporaryFolder } from "./support/paths.js";

const trial = fixture("linear-regression");
const rounds = ["--set", "rounds=6", "--no-report"];

/** Reads the results that must be the same in every run of the trial. */
async function readResult(out: string) {
  const summary = await readFile(join(out, "summary.json"), "utf8");
  return { ...(await readResultBytes(out)), summary };
}

describe("a run whose processes are all killed", () => {
  let whole: Awaited<ReturnType<typeof readResult>>;
  before(async () => {
    const out = await temporaryFolder();
    const outcome = await fedclair([
      "run",
      trial,
      ...rounds,
      "--transport",
      "memory",
      "--no-report",
      "--out",
      out,
    ]);
    assert.equal(outcome.code, 0, outcome.stderr);
    whole = await readResult(out);
  });

  for (const how of [
    ["--transport", "memory"],
    ["--hosts", "2"],
  ]) {
    it(`resumes to the same bytes with ${how.join(" ")}`, async () => {
      const out = await temporaryFolder();
      const run = start(["run", trial, ...rounds, ...how, "--out", out]);
      await run.waitForOutput(/fedavg round 2:/);
      run.kill("SIGKILL", "group");
      await run.ended;
      const rejected = await fedclair(["run", trial, ...rounds, ...how, "--out", out]);
      assert.equal(rejected.code, 2);
      assert.match(
        rejected.stderr,
        /was interrupted after \d+ rounds: (npx )?fedclair resume \S+ goes on/,
      );
      const count = (await readRecords(out)).length;
      const resumed = await fedclair(["resume", out, ...how, "--no-report"]);
      assert.equal(resumed.code, 0, resumed.stderr);
      const [, from] = /^goes on after (\d+) rounds$/m.exec(resumed.stderr) ?? [];
      assert.ok(Number(from) >= 8 && Number(from) >= count - 1, `${from} of ${count}`);
      assert.deepEqual(await readResult(out), whole);
    });
  }

  it("resumes with the remaining hosts once its coordinator listens again", async () => {
    const out = await temporaryFolder();
    const { coordinator, url } = await startCoordinator([trial, ...rounds, "--out", out]);
    const host = startHost(url, 10);
    await coordinator.waitForOutput(/clair round 3:/);
    coordinator.kill("SIGKILL", "group");
    await coordinator.ended;
    const listen = ["--listen", new URL(url).host, "--resume"];
    const again = start(["coordinator", trial, ...rounds, "--no-report", "--out", out, ...listen]);
    assert.equal((await again.ended).code, 0, again.stderr);
    const [, from] = /^goes on after (\d+) rounds$/m.exec(again.stderr) ?? [];
    assert.ok(Number(from) >= 3, again.stderr);
    assert.equal((await host.ended).code, 0);
    assert.deepEqual(await readResult(out), whole);
  });

  it("cannot be resumed by two processes at the same time", async () => {
    const out = await temporaryFolder();
    const args = ["run", fixture("long"), "--set", "rounds=100000", "--out", out];
    const run = start([...args, "--transport", "memory", "--no-report"]);
    await run.waitForOutput(/round 1:/);
    run.kill("SIGSTOP"); // it keeps its folder locked, and leaves the processor to the others
    const before = await readRecords(out);
    for (const second of [args, ["resume", out], ["rm", out]]) {
      const { code, stderr } = await fedclair(second);
      assert.equal(code, 2);
      assert.match(stderr, /is in use by process \d+ on \S+ since 20/);
    }
    run.kill("SIGCONT");
    run.kill("SIGINT");
    const { code, stderr } = await run.ended;
    assert.equal(code, 130, stderr);
    assert.deepEqual((await readRecords(out)).slice(0, before.length), before);
  });
});
