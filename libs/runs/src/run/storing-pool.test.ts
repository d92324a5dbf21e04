import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, type Plugins } from "@fedclair/core";
import { ClientRunner, MemoryPool, type Trial } from "@fedclair/core/internal";
import { describeClientPool, prepare, toyPlugins, toyTrial } from "@fedclair/core/testing";
import { runTrial } from "./run-trial.js";
import { StoringPool } from "./storing-pool.js";

const signal = new AbortController().signal;
const inMemory = (trial: Trial, plugins: Plugins) =>
  new MemoryPool(new ClientRunner(prepare(trial, plugins)));

describeClientPool("StoringPool", (trial, plugins) =>
  Promise.resolve(new StoringPool(inMemory(trial, plugins), tmpdir(), 0)),
);

describe("StoringPool", () => {
  const trial = toyTrial({
    clients: 6,
    baselines: [{ label: "again", aggregator: { name: "toy-mean" } }],
    attacks: [
      { attack: { name: "toy-shift" }, clients: ["c01"] },
      { attack: { name: "toy-forger" }, clients: ["c02"] },
    ],
  });
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("does not change the result of a trial, and leaves no name in the folder", async () => {
    const events = async (most?: number) => {
      const rounds = [];
      const pool = new StoringPool(inMemory(trial, toyPlugins), folder, most);
      for await (const { arm, event } of runTrial(prepare(trial, toyPlugins), pool, signal)) {
        if (event.kind !== "round") continue;
        rounds.push({ arm: arm.label, record: event.record, params: event.state.params });
        assert.deepEqual(await readdir(folder), []);
      }
      return rounds;
    };
    const plain = await events();
    assert.ok(plain.length > 2);
    assert.deepEqual(await events(0), plain);
    assert.deepEqual(await events(100), plain); // a round partly in memory
  });

  it("ends a trial with a readable error if the disk rejects the updates", async () => {
    const pool = new StoringPool(inMemory(trial, toyPlugins), join(folder, "gone"), 0);
    const run = async () => {
      for await (const { event } of runTrial(prepare(trial, toyPlugins), pool, signal))
        assert.ok(event);
    };
    await assert.rejects(run(), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        /^cannot keep tensors that do not fit in memory in '.*gone': .*ENOENT.*choose another/,
      );
      return true;
    });
  });
});
