import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
import { runDocument } from "./support/document-script.js";
import { readResultBytes } from "./support/federation.js";
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

/** Changes a record in a way that only running the round again can notice. */
async function forgeRecord(folder: string, number: number): Promise<void> {
  const read = async (file: string) => (await readFile(join(folder, file), "utf8")).split("\n");
  const records = await read("records.jsonl");
  const record = records[number - 1] ?? "";
  const forged = record.replace(
    /"score":(\d)/,
    (_, digit) => `"score":${(Number(digit) + 1) % 10}`,
  );
  assert.notEqual(forged, record);
  records[number - 1] = forged;
  await writeFile(join(folder, "records.jsonl"), records.join("\n"));
  const info = JSON.parse(await readFile(join(folder, "run.json"), "utf8")) as { hash: string };
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  let link = sha256(`fedclair chain of ${info.hash}\n`);
  const links = records.slice(0, -1).map((line) => (link = sha256(`${link}\n${line}\n`)));
  const timings = (await read("timings.jsonl")).map((line, i) =>
    line === "" ? line : JSON.stringify({ ...(JSON.parse(line) as object), chain: links[i] }),
  );
  await writeFile(join(folder, "timings.jsonl"), timings.join("\n"));
  const summary = await readFile(join(folder, "summary.json"), "utf8");
  await writeFile(
    join(folder, "summary.json"),
    summary.replace(/"chain": "\w+"/, `"chain": "${link}"`),
  );
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
    await forgeRecord(run, 4);
    const found = await attest("--rounds", "100%");
    assert.equal(found.code, 4, found.stderr);
    assert.match(found.stdout, /records\.jsonl:4: \S+, round 4 differs in clients\.0\.score$/m);
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
