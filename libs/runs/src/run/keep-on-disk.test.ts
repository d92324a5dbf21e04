import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNumbers, type AggregatorPlugin } from "@fedclair/core";
import {
  ClientRunner,
  isStored,
  keepBases,
  MemoryPool,
  type KeeperFor,
  type TrialState,
} from "@fedclair/core/internal";
import { prepare, toyPlugins, toyTrial } from "@fedclair/core/testing";
import { z } from "zod";
import { keepOnDisk } from "./keep-on-disk.js";
import { runTrial } from "./run-trial.js";
import { readState, writeState } from "../store/state-file.js";

const signal = new AbortController().signal;

/** Every client keeps its own change. */
const own: AggregatorPlugin = {
  name: "toy-own",
  summary: "Shares nothing.",
  schema: z.strictObject({}),
  create: () => ({
    aggregate: ({ updates }) =>
      Promise.resolve({
        change: [],
        personal: new Map(updates.map(({ clientId, delta }) => [clientId, [delta]])),
      }),
  }),
};
const plugins = { ...toyPlugins, aggregators: new Map([["toy-own", own]]) };
const trial = {
  ...toyTrial({ clients: 4, rounds: 4, cohort: { count: 3 } }),
  aggregator: { name: "toy-own" },
};

describe("keepOnDisk", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("keeps tensors in memory up to the limit, and the rest in a file without a name", async () => {
    const tensor = (value: number) => ({ shape: [2], data: Float64Array.of(value, value) });
    const keep = keepOnDisk(folder, 40)(8);
    const kept = [await keep(tensor(1)), await keep(tensor(2)), await keep(tensor(3))];
    assert.deepEqual(kept.map(isStored), [false, false, true]);
    assert.deepEqual(
      kept.map((one) => readNumbers(one)[1]),
      [1, 2, 3],
    );
    assert.deepEqual(await readdir(folder), []);
  });

  it("does not change the result of a trial, nor of one that resumes", async () => {
    const play = async (keeperFor?: KeeperFor, from?: TrialState) => {
      const prepared = prepare(trial, plugins);
      const pool = new MemoryPool(new ClientRunner(prepared));
      const records: unknown[] = [];
      const states: TrialState[] = [];
      const position = { arm: 0, state: from };
      for await (const { event } of runTrial(prepared, pool, signal, position, { keeperFor })) {
        if (event.kind !== "round") continue;
        records.push(event.record);
        states.push(event.state);
      }
      return { records, states };
    };
    /** The tensors of bases that are a client's own: two rounds outweigh the shared one. */
    const ownTensors = ({ params, personal }: TrialState) =>
      [...personal.values()].flatMap(({ base }) => (base === params ? [] : [...base.values()]));
    const stored = async (state: TrialState | undefined) => {
      await writeState(join(folder, "state"), state);
      return (await readState(join(folder, "state"))) as TrialState;
    };
    const inMemory = await play();
    const onDisk = await play(keepOnDisk(folder, 0));
    const last = onDisk.states.at(-1) ?? assert.fail();
    assert.ok(ownTensors(last).length > 0 && ownTensors(last).every(isStored));
    assert.deepEqual(onDisk.records, inMemory.records);
    const end = await stored(inMemory.states.at(-1));
    assert.deepEqual(await stored(last), end);

    const half = await keepBases(await stored(onDisk.states[1]), keepOnDisk(folder, 0));
    assert.ok(ownTensors(half).length > 0 && ownTensors(half).every(isStored));
    const rest = await play(keepOnDisk(folder, 0), half);
    assert.deepEqual(rest.records, inMemory.records.slice(2));
    assert.deepEqual(await stored(rest.states.at(-1)), end);
  });
});
