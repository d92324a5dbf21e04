import assert from "node:assert/strict";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { readResultBytes } from "./support/federation.js";
import { forgeRecord } from "./support/forge-record.js";
import { fixture, temporaryFolder } from "./support/paths.js";

const trial = fixture("linear-regression");
const inMemory = ["--transport", "memory", "--no-report"];
const rounds = ["--set", "rounds=6"];

async function readResult(out: string) {
  const summary = await readFile(join(out, "summary.json"), "utf8");
  return { ...(await readResultBytes(out)), summary };
}

/** Runs the trial of the fixture. @returns its folder */
async function runTrial(...args: readonly string[]): Promise<string> {
  const out = join(await temporaryFolder(), "run");
  const ran = await fedclair(["run", trial, ...rounds, ...inMemory, "--out", out, ...args]);
  assert.equal(ran.code, 0, ran.stderr);
  return out;
}

describe("fedclair replay", function () {
  this.timeout(60_000);

  for (const kept of [[], ["--keep-checkpoints", "100"]]) {
    const how = kept.length > 0 ? "from a checkpoint" : "from the start without checkpoints";
    it(`ends with the bytes of a run in which the client was absent, ${how}`, async () => {
      const run = await runTrial(...kept);
      const absent = "absent=[{clients: [c03], from: 4}]";
      const wanted = await runTrial("--set", absent);
      const args = ["replay", run, "--without", "c03", "--from", "4", ...inMemory];
      const { code, stdout, stderr } = await fedclair(args);
      assert.equal(code, 0, stderr);
      assert.equal(/^took over 3 rounds from the checkpoints of /m.test(stderr), kept.length > 0);
      assert.match(stdout, /^absent\.0\.clients\.0 +– +"c03"$/m);
      assert.deepEqual(await readResult(`${run}-without-c03-from-4`), await readResult(wanted));
    });
  }

  it("names a client that the trial does not have", async () => {
    const { code, stderr } = await fedclair(["replay", await runTrial(), "--without", "c99"]);
    assert.equal(code, 2);
    assert.match(stderr, /expected an id from c00 to c\d+, got 'c99'/);
  });
});

describe("fedclair repair", function () {
  this.timeout(60_000);

  it("has nothing to do if no update of a flagged client entered the result", async () => {
    const run = await runTrial("--set", "rounds=1");
    const { code, stdout, stderr } = await fedclair(["repair", run, ...inMemory]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^flagged: c\d+, c\d+\. No update of them entered the result, so there is/,
    );
  });

  it("says that nobody is flagged", async () => {
    const run = await runTrial("--set", "aggregator={name: fedavg}", "--set", "baselines=[]");
    const { code, stderr } = await fedclair(["repair", run]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: fedavg flags no client at the end of the run in /m);
  });
});

describe("fedclair attest", function () {
  this.timeout(120_000);

  it("finds every forged record among those that it runs again", async () => {
    const run = await runTrial("--keep-checkpoints", "100");
    const attest = (...args: readonly string[]) => fedclair(["attest", run, ...args]);
    const whole = await attest("--rounds", "100%");
    assert.equal(whole.code, 0, whole.stderr);
    assert.match(whole.stdout, /^(\d+) of \1 compared rounds identical, byte for byte$/m);
    const some = await attest("--rounds", "2", "--seed", "7", "--json");
    const { compared, run: ran } = JSON.parse(some.stdout) as { compared: number[]; run: number };
    assert.equal(compared.length, 2);
    assert.equal(ran, 2); // each starts from the checkpoint before it
    await forgeRecord(run, 4, (record) =>
      record.replace(/"score":(\d)/, (_, digit) => `"score":${(Number(digit) + 1) % 10}`),
    );
    const found = await attest("--rounds", "100%");
    assert.equal(found.code, 4, found.stderr);
    assert.match(found.stdout, /records\.jsonl:4: \S+, round 4 differs in clients\.0\.score$/m);
  });

  it("finds a checkpoint and final params of another state", async () => {
    const run = await runTrial("--keep-checkpoints", "100");
    await copyFile(join(run, "checkpoint-2"), join(run, "checkpoint-3"));
    const params = await readFile(join(run, "params.safetensors"));
    params.writeUInt8(params.readUInt8(params.length - 1) ^ 1, params.length - 1);
    await writeFile(join(run, "params.safetensors"), params);
    const { code, stdout, stderr } = await fedclair(["attest", run, "--rounds", "100%"]);
    assert.equal(code, 4, stderr);
    assert.match(stdout, /: clair, round 3 differs in checkpoint-3$/m);
    assert.match(stdout, /: clair, round 6 differs in params\.safetensors$/m);
    assert.match(stdout, /^(?!(\d+) of \1 )\d+ of \d+ compared rounds identical/m);
  });
});

describe("docs/what-if.md", function () {
  this.timeout(120_000);

  it("runs as it is", async () => {
    const { code, stdout, stderr } = await runDocument("docs/what-if.md");
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    assert.match(
      stdout,
      /^flagged: c04, .*The first update of them entered the result in round 1\.$/m,
    );
    assert.match(stdout, /identical, byte for byte/);
  });
});
