import assert from "node:assert/strict";
import { copyFile, cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fedclair } from "./support/command.js";
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

/** Runs the trial of the fixture. */
async function runTrial(out: string, ...args: readonly string[]): Promise<void> {
  const ran = await fedclair(["run", trial, ...rounds, ...inMemory, "--out", out, ...args]);
  assert.equal(ran.code, 0, ran.stderr);
}

let folder = "";
/** The run that the tests look at, and change in copies. It has every checkpoint. */
let run = "";

before(async () => {
  folder = await temporaryFolder();
  run = join(folder, "run");
  await runTrial(run, "--keep-checkpoints", "100");
});

/** The clients of the main arm with the highest scores over their thresholds. */
async function listMostSuspicious(out: string, count: number): Promise<string[]> {
  const highest = new Map<string, number>();
  for (const line of (await readFile(join(out, "records.jsonl"), "utf8")).trim().split("\n")) {
    const { arm, clients } = JSON.parse(line) as {
      arm: string;
      clients: { clientId: string; score?: number | null; threshold?: number | null }[];
    };
    if (arm !== "clair") continue;
    for (const { clientId, score, threshold } of clients) {
      const ratio = (score ?? 0) / (threshold ?? Infinity);
      highest.set(clientId, Math.max(ratio, highest.get(clientId) ?? 0));
    }
  }
  return [...highest]
    .sort(([, a], [, b]) => b - a)
    .map(([id]) => id)
    .slice(0, count);
}

async function copyRun(): Promise<string> {
  const copy = join(await temporaryFolder(), "run");
  await cp(run, copy, { recursive: true });
  return copy;
}

describe("fedclair replay", () => {
  let absent = "";
  before(async () => {
    absent = join(folder, "absent");
    await runTrial(absent, "--set", "absent=[{clients: [c03], from: 4}]");
  });

  for (const [how, forget] of [
    ["from a checkpoint", false],
    ["from the start without checkpoints", true],
  ] as const) {
    it(`ends with the bytes of a run in which the client was absent, ${how}`, async () => {
      const copy = await copyRun();
      const checkpoints = (await readdir(copy)).filter((name) => name.startsWith("checkpoint-"));
      assert.ok(checkpoints.length > 0);
      if (forget) for (const name of checkpoints) await rm(join(copy, name), { recursive: true });
      const args = ["replay", copy, "--without", "c03", "--from", "4", ...inMemory];
      const { code, stdout, stderr } = await fedclair(args);
      assert.equal(code, 0, stderr);
      assert.equal(/^took over 3 rounds from the checkpoints of /m.test(stderr), !forget);
      assert.match(stdout, /^absent\.0\.clients\.0 +– +"c03"$/m);
      assert.deepEqual(await readResult(`${copy}-without-c03-from-4`), await readResult(absent));
    });
  }

  it("leaves out the most suspicious clients one at a time, and runs no replay again", async () => {
    const copy = await copyRun();
    const args = ["replay", copy, "--most-suspicious", "2", "--from", "4", ...inMemory];
    const { code, stdout, stderr } = await fedclair(args);
    assert.equal(code, 0, stderr);
    const chosen = /^most suspicious: (c\d\d) \(.*?\), (c\d\d) \(/m.exec(stdout)?.slice(1) ?? [];
    assert.deepEqual(chosen, await listMostSuspicious(copy, 2));
    for (const id of chosen)
      assert.match(
        stdout,
        new RegExp(`^without ${id} from round 4 on, error is [\\d.]+ instead of`, "m"),
      );
    const replays = chosen.map((id) => `${copy}-without-${id}-from-4`);
    const before = await Promise.all(replays.map(readResult));
    const again = await fedclair(args);
    assert.equal(again.code, 0, again.stderr);
    assert.equal(again.stderr.match(/: done before$/gm)?.length, 2, again.stderr);
    assert.equal(again.stdout.split("\n\nwithout")[1], stdout.split("\n\nwithout")[1]);
    assert.deepEqual(await Promise.all(replays.map(readResult)), before);
  });

  it("says which clients it expects, and that names and most suspicious ones exclude each other", async () => {
    const neither = await fedclair(["replay", run]);
    assert.equal(neither.code, 2);
    assert.match(
      neither.stderr,
      /expected clients to leave out: --without c03, --without flagged .*, or --most-suspicious 3/,
    );
    const both = await fedclair(["replay", run, "--without", "c03", "--most-suspicious", "3"]);
    assert.equal(both.code, 2);
    assert.match(both.stderr, /'--most-suspicious <n>' cannot be used with option '--without/);
  });

  it("names a client that the trial does not have", async () => {
    const { code, stderr } = await fedclair(["replay", run, "--without", "c99"]);
    assert.equal(code, 2);
    assert.match(stderr, /expected an id from c00 to c\d+, got 'c99'/);
  });
});

describe("fedclair replay --without flagged", () => {
  it("has nothing to do if no update of a flagged client entered the result", async () => {
    const short = join(await temporaryFolder(), "run");
    await runTrial(short, "--set", "rounds=1", "--set", "seed=2");
    const { code, stdout, stderr } = await fedclair([
      "replay",
      short,
      "--without",
      "flagged",
      ...inMemory,
    ]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^flagged: c\d+(, c\d+)+\. No update of them entered the result, so there is/,
    );
  });

  it("says that nobody is flagged", async () => {
    const mean = join(await temporaryFolder(), "run");
    await runTrial(mean, "--set", "aggregator={name: fedavg}", "--set", "baselines=[]");
    const { code, stderr } = await fedclair(["replay", mean, "--without", "flagged"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: fedavg flags no client at the end of the run in /m);
  });

  it("chooses the first round itself", async () => {
    const { code, stderr } = await fedclair(["replay", run, "--without", "flagged", "--from", "2"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: --from 2 is for named clients: --without flagged begins/m);
  });
});

describe("fedclair verify of a run", () => {
  const verify = (folder: string, ...args: readonly string[]) =>
    fedclair(["verify", folder, ...args]);

  it("finds all rounds of a run identical", async () => {
    const { code, stdout, stderr } = await verify(run, "--rounds", "100%");
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^(\d+) of \1 compared rounds identical, byte for byte$/m);
  });

  it("runs the drawn rounds and the last alone, from the checkpoint before each", async () => {
    const { stdout } = await verify(run, "--rounds", "2", "--seed", "7", "--json");
    const { compared, run: ran } = JSON.parse(stdout) as { compared: number[]; run: number };
    assert.equal(compared.length, 3);
    assert.equal(ran, 3);
  });

  it("finds every forged record, and a checkpoint and final params of another state", async () => {
    const forged = await copyRun();
    await copyFile(join(forged, "checkpoint-2"), join(forged, "checkpoint-3"));
    const params = await readFile(join(forged, "params.safetensors"));
    params.writeUInt8(params.readUInt8(params.length - 1) ^ 1, params.length - 1);
    await writeFile(join(forged, "params.safetensors"), params);
    await forgeRecord(forged, 4, (record) =>
      record.replace(/"score":(\d)/, (_, digit) => `"score":${(Number(digit) + 1) % 10}`),
    );
    const { code, stdout, stderr } = await verify(forged, "--rounds", "100%");
    assert.equal(code, 4, stderr);
    assert.match(stdout, /records\.jsonl:4: \S+, round 4 differs in clients\.0\.score$/m);
    assert.match(stdout, /: clair, round 3 differs in checkpoint-3$/m);
    assert.match(stdout, /: clair, round 6 differs in params\.safetensors$/m);
    assert.match(stdout, /^(?!(\d+) of \1 )\d+ of \d+ compared rounds identical/m);
  });

  it("finds a summary that the records do not give", async () => {
    const forged = await copyRun();
    const file = join(forged, "summary.json");
    const text = await readFile(file, "utf8");
    const [, value = ""] = /"loss\.clair": ?([\d.]+)/.exec(text) ?? [];
    await writeFile(file, text.replaceAll(value, "0.001"));
    const { code, stdout, stderr } = await verify(forged, "--rounds", "1");
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      /summary\.json': expected loss\.clair = [\d.]+, as the records give, got 0\.001: the file has changed/,
    );
  });

  it("rejects options of trials, and a run beside other paths", async () => {
    for (const [args, expected] of [
      [["--jobs", "2"], /^error: --jobs is for trials: '.*' holds a run$/m],
      [["--set", "rounds=2"], /^error: --set is for trials: '.*' holds a run$/m],
      [[trial], /^error: verify: expected trials, or one run alone: '.*' holds a run$/m],
    ] as const) {
      const { code, stderr } = await verify(run, ...args);
      assert.equal(code, 2);
      assert.match(stderr, expected);
    }
    const { code, stderr } = await verify(trial, "--rounds", "2");
    assert.equal(code, 2);
    assert.match(stderr, /^error: --rounds is for a run: .*linear-regression.* holds no run$/m);
  });

  it("names the fields that a record lacks", async () => {
    const shorter = await copyRun();
    await forgeRecord(shorter, 2, (record) => record.replace(/"numExamples":\d+,/, ""));
    const { code, stdout, stderr } = await verify(shorter, "--rounds", "1", "--seed", "6");
    assert.equal(code, 4, stderr);
    assert.match(stdout, /records\.jsonl:2: \S+, round 2 lacks clients\.0\.numExamples$/m);
  });
});
