import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RoundDone } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { stringify } from "yaml";
import { recordOf } from "../../testing/run-of.js";
import { readRun } from "../run/read-run.js";
import { summarise } from "../measures/summary.js";
import { trialHash } from "./trial-hash.js";
import { checkRecords, eachRecord } from "./record-chain.js";
import type { ArmTiming } from "./arm-timing.js";
import { RunFolder } from "./run-folder.js";
import { readLines } from "./lines.js";

const trial = toyTrial({ rounds: 3 });
const arm = { label: "toy-mean", choice: trial.aggregator, benignOnly: false };
let out: string;

beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(out, { recursive: true }));

/** Writes three rounds; the second one has two artifacts. */
async function writeRun(): Promise<void> {
  const folder = await RunFolder.claim(out, trial, false);
  await folder.begin("wasm");
  for (const round of [1, 2, 3]) {
    const artifacts = round === 2 ? { first: [1], second: [2] } : {};
    const timing = { train: 1, aggregate: 1, evaluate: 1 };
    const { arm: label, ...record } = recordOf("toy-mean", round);
    assert.equal(label, arm.label);
    await folder.append(arm, { kind: "round", record, timing, artifacts } as unknown as RoundDone);
  }
  await folder.writeSummary({ ...summarise(trial, {}, []), chain: folder.chain });
  await folder.release();
}

const edit = async (file: string, change: (text: string) => string) => {
  const path = join(out, file);
  const text = await readFile(path, "utf8");
  assert.notEqual(change(text), text);
  await writeFile(path, change(text));
};

async function readAll(): Promise<number[]> {
  const rounds: number[] = [];
  for await (const { round } of eachRecord(out)) rounds.push(round);
  return rounds;
}

describe("the chain of a run", () => {
  it("hashes the trial, then each record with its artifacts", async () => {
    await writeRun();
    assert.deepEqual(await readAll(), [1, 2, 3]);
    const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
    const records = (await readFile(join(out, "records.jsonl"), "utf8")).split("\n");
    const artifacts = await readFile(join(out, "artifacts.jsonl"), "utf8");
    const start = sha256(`fedclair chain of ${trialHash(trial)}\n`);
    const first = sha256(`${start}\n${records[0] ?? ""}\n`);
    const second = sha256(`${first}\n${records[1] ?? ""}\n${artifacts}`);
    const timings = await readLines<ArmTiming>(out, "timings.jsonl");
    assert.deepEqual(
      timings.map(({ chain }) => chain),
      [first, second, sha256(`${second}\n${records[2] ?? ""}\n`)],
    );
  });

  it("shows which record was changed, or that records are missing", async () => {
    await writeRun();
    const records = await readFile(join(out, "records.jsonl"), "utf8");
    await edit("records.jsonl", (text) =>
      text.replace(/"round":2(.*)"down":10/, '"round":2$1"down":11'),
    );
    await assert.rejects(checkRecords(out), /records\.jsonl:2: the record or its artifacts differ/);
    await writeFile(join(out, "records.jsonl"), records);
    await edit("artifacts.jsonl", (text) => text.replace('"value":[2]', '"value":[3]'));
    await assert.rejects(checkRecords(out), /records\.jsonl:2: the record or its artifacts differ/);
    await edit("artifacts.jsonl", (text) => text.replace('"value":[3]', '"value":[2]'));
    await checkRecords(out);
    await edit("records.jsonl", (text) => text.split("\n").slice(0, 2).join("\n") + "\n");
    await assert.rejects(readRun(out), /records\.jsonl' has 2 records, and the run wrote others/);
  });

  it("shows that records of an unfinished run are missing, unless it was killed in between", async () => {
    await writeRun();
    await rm(join(out, "summary.json"));
    const lines = (await readFile(join(out, "records.jsonl"), "utf8")).split("\n");
    await writeFile(join(out, "records.jsonl"), `${lines.slice(0, 2).join("\n")}\n`);
    await checkRecords(out);
    await writeFile(join(out, "records.jsonl"), `${lines[0] ?? ""}\n`);
    await assert.rejects(checkRecords(out), /has 1 record, and the run wrote others/);
  });

  it("shows that the trial or its seed was changed", async () => {
    await writeRun();
    await readRun(out);
    await writeFile(join(out, "trial.yaml"), stringify({ ...trial, seed: 2 }));
    await assert.rejects(readRun(out), /trial\.yaml' differs from the trial of the run \(hash /);
    await writeFile(join(out, "trial.yaml"), stringify(trial));
    await edit("run.json", (text) =>
      text.replace(trialHash(trial), trialHash({ ...trial, seed: 2 })),
    );
    await assert.rejects(checkRecords(out), /records\.jsonl:1: the record or its artifacts differ/);
  });

  it("rejects rounds without a link", async () => {
    await writeRun();
    await edit("timings.jsonl", (text) => text.replaceAll(/"chain":"[0-9a-f]+",/g, ""));
    await assert.rejects(checkRecords(out), /records\.jsonl:1: the record/);
  });
});
