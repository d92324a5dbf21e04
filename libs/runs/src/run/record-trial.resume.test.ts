import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import fs, { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError, type Aggregator, type AggregatorPlugin } from "@fedclair/core";
import { ClientRunner, MemoryPool, type ClientPool, type Trial } from "@fedclair/core/internal";
import { prepare, toyPlugins, toyTrial } from "@fedclair/core/testing";
import type { ArmRecord } from "../measures/arm-record.js";
import { recordTrial, type TrialRun } from "./record-trial.js";
import { withBrokenDisk } from "../../testing/broken-disk.js";
import { readRun } from "./read-run.js";
import { findRun } from "../store/stored-run.js";
import type { Summary } from "../measures/summary.js";

const toyMean = toyPlugins.aggregators.get("toy-mean") ?? assert.fail("no toy");

/** An aggregator with a state: the mean plus half of its previous result. */
const withState: AggregatorPlugin = {
  name: "toy-memory",
  summary: "Remembers.",
  schema: toyMean.schema,
  create: (): Aggregator<Float64Array> => {
    const mean = toyMean.create({} as never);
    return {
      aggregate: async (input, state = new Float64Array(2)) => {
        const { change } = await mean.aggregate(input);
        const now = change[0]?.get("dense");
        assert.ok(now && "data" in now);
        const data = Float64Array.from(state, (before, i) => before / 2 + (now.data[i] ?? NaN));
        return { change: [new Map([["dense", { shape: [2], data }]])], state: data };
      },
    };
  },
};

const failing: AggregatorPlugin = {
  name: "toy-failing",
  summary: "Fails in round 2.",
  schema: toyMean.schema,
  create: () => {
    const mean = toyMean.create({} as never);
    return {
      aggregate: (input) => {
        if (input.round === 2) throw new UserError("no fit");
        return mean.aggregate(input);
      },
    };
  },
};

/** Every client keeps its own change. */
const personal: AggregatorPlugin = {
  name: "toy-own",
  summary: "Shares nothing.",
  schema: toyMean.schema,
  create: () => ({
    aggregate: ({ updates }) =>
      Promise.resolve({
        change: [],
        personal: new Map(updates.map(({ clientId, delta }) => [clientId, [delta]])),
      }),
  }),
};

const plugins = {
  ...toyPlugins,
  aggregators: new Map([
    ...toyPlugins.aggregators,
    ["toy-memory", withState],
    ["toy-failing", failing],
    ["toy-own", personal],
  ]),
};

const trial: Trial = {
  ...toyTrial({
    clients: 6,
    rounds: 3,
    cohort: { count: 4 },
    attacks: [{ attack: { name: "toy-forger" }, clients: ["c02"] }],
    mods: [{ name: "toy-half" }, { name: "toy-whole" }],
  }),
  aggregator: { name: "toy-memory" },
  baselines: [
    { label: "oracle", aggregator: { name: "toy-own" }, clients: "benign" },
    { label: "breaks", aggregator: { name: "toy-failing" }, clients: "all" },
    { label: "again", aggregator: { name: "toy-memory" }, clients: "all" },
  ],
};

const results = ["records.jsonl", "params.safetensors", "summary.json", "trial.yaml"];
const contents = (folder: string) =>
  Promise.all(results.map((file) => readFile(join(folder, file), "utf8")));

describe("an interrupted run", () => {
  let root: string;
  let whole: string[];

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-"));
    await recordTrial(runInto(join(root, "whole")));
    whole = await contents(join(root, "whole"));
    const { personal } = JSON.parse(whole[2] ?? "") as Summary;
    assert.deepEqual(personal, ["oracle"], "the arm whose clients have params of their own");
  });
  after(() => rm(root, { recursive: true }));

  const runInto = (
    out: string,
    { trial: own = trial, ...changes }: Partial<TrialRun> & { readonly trial?: Trial } = {},
  ): TrialRun => {
    const prepared = prepare(own, plugins);
    return {
      prepared,
      out,
      resumes: true,
      pool: new MemoryPool(new ClientRunner(prepared)),
      backend: () => "none",
      signal: new AbortController().signal,
      ...changes,
    };
  };

  it("resumes after any round and ends with the same bytes", async () => {
    const rounds = 3 + 3 + 2 + 3;
    for (let last = 1; last < rounds; last++) {
      for (const every of [1, 2]) {
        const out = join(root, `${last}-${every}`);
        const stop = new AbortController();
        let rounds = 0;
        const onEvent: TrialRun["onEvent"] = ({ event }) => {
          if (event.kind === "round" && ++rounds === last) stop.abort();
        };
        const cut = { signal: stop.signal, onEvent, checkpoints: { every } };
        await assert.rejects(recordTrial(runInto(out, cut)), { name: "AbortError" });
        const stored = await findRun(out);
        assert.deepEqual([stored?.status, stored?.rounds], ["interrupted", last - (last % every)]);
        let from = 0;
        await recordTrial(
          runInto(out, {
            onResume: (done) => (from = [...done.values()].reduce((sum, own) => sum + own, 0)),
          }),
        );
        assert.equal(from, stored?.rounds);
        assert.deepEqual(await contents(out), whole, `after round ${last}`);
        assert.equal((await findRun(out))?.status, "done");
      }
    }
  });

  it("counts the hangs of a client as an uninterrupted run does", async () => {
    const own = toyTrial({
      clients: 6,
      rounds: 4,
      baselines: [{ label: "again", aggregator: { name: "toy-mean" } }],
      limits: { hangRetries: 2 },
    });
    /** Runs the trial with a client that always hangs, and stops it after `last` rounds. */
    const run = async (out: string, last = Infinity) => {
      const memory = new MemoryPool(new ClientRunner(prepare(own, plugins)));
      const failure = { code: "CLIENT_HUNG", message: "it hung" } as const;
      const pool: ClientPool = {
        ready: () => memory.ready(),
        close: () => memory.close(),
        async *ask(...args) {
          for await (const answer of memory.ask(...args)) {
            const { jobId, clientId } = answer;
            yield clientId === "c01" ? { jobId, clientId, failure } : answer;
          }
        },
      };
      const stop = new AbortController();
      let rounds = 0;
      const onEvent: TrialRun["onEvent"] = ({ event }) => {
        if (event.kind === "round" && ++rounds === last) stop.abort();
      };
      await recordTrial(runInto(out, { trial: own, pool, signal: stop.signal, onEvent }));
    };
    const uninterrupted = join(root, "hangs");
    await run(uninterrupted);
    const lines = (await readFile(join(uninterrupted, "records.jsonl"), "utf8")).trim().split("\n");
    // It hangs in both parts of round 1, training and evaluation, and in the training of round 2.
    const refused = "not asked: it hung in round 2 (limits.hangRetries = 2)";
    const expected = ["it hung", "it hung", refused, refused];
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as ArmRecord).clients[1]?.failure?.message),
      [...expected, ...expected],
    );
    for (let last = 1; last < 8; last++) {
      const out = join(root, `hangs-${last}`);
      await assert.rejects(run(out, last), { name: "AbortError" });
      await run(out);
      assert.deepEqual(await contents(out), await contents(uninterrupted), `after round ${last}`);
    }
  });

  it("rejects another backend, and files that were truncated since", async () => {
    const out = join(root, "backend");
    const stop = new AbortController();
    const onEvent: TrialRun["onEvent"] = ({ event }) => {
      if (event.kind === "round") stop.abort();
    };
    await assert.rejects(recordTrial(runInto(out, { signal: stop.signal, onEvent })));
    const other = recordTrial(runInto(out, { backend: () => "wasm" }));
    await assert.rejects(
      other,
      /was begun with the backend none, .*: got wasm; choose --backend none/,
    );
    await cp(out, `${out}-2`, { recursive: true });
    await fs.truncate(join(`${out}-2`, "records.jsonl"), 3);
    await assert.rejects(recordTrial(runInto(`${out}-2`)), /has 3 bytes, and had \d+ at the last/);
    await recordTrial(runInto(out));
    assert.deepEqual(await contents(out), whole);
  });

  /** Leaves a run that was interrupted after two rounds. */
  const interrupt = async (name: string, own = trial, changes: Partial<TrialRun> = {}) => {
    const out = join(root, name);
    const stop = new AbortController();
    const onEvent: TrialRun["onEvent"] = ({ event }) => {
      if (event.kind === "round" && event.record.round === 2) stop.abort();
    };
    const cut = runInto(out, { ...changes, trial: own, signal: stop.signal, onEvent });
    await assert.rejects(recordTrial(cut), { name: "AbortError" });
    return out;
  };

  it("rejects records that were changed at the same length, and leaves them as they are", async () => {
    const out = await interrupt("changed");
    const path = join(out, "records.jsonl");
    const text = await readFile(path, "utf8");
    const changed = text.replace(/("round":2.*"numExamples":)\d/, "$19");
    assert.ok(changed !== text && changed.length === text.length);
    await fs.writeFile(path, changed);
    const expected = /records\.jsonl:2: the record or its artifacts differ from what the run wrote/;
    await assert.rejects(recordTrial(runInto(out)), expected);
    await assert.rejects(readRun(out), expected);
    assert.equal(await readFile(path, "utf8"), changed);
    await fs.writeFile(path, text);
    await recordTrial(runInto(out));
    assert.deepEqual(await contents(out), whole);
  });

  it("rejects the checkpoint and the logs of another seed", async () => {
    const own = await interrupt("own-seed");
    const other = await interrupt("other-seed", { ...trial, seed: 2 });
    const [checkpoint = ""] = (await fs.readdir(other)).filter((file) => /^checkpoint/.test(file));
    for (const file of ["records.jsonl", "timings.jsonl"]) {
      await fs.copyFile(join(other, file), join(own, file));
    }
    await assert.rejects(readRun(own), /records\.jsonl:1: the record or its artifacts differ/);
    await fs.copyFile(join(other, checkpoint), join(own, checkpoint));
    await assert.rejects(
      recordTrial(runInto(own)),
      /the checkpoint in '.*' is of a run with the hash [0-9a-f]{16}, and run\.json says [0-9a-f]{16}/,
    );
  });

  it("remembers releases of hosts that took part before the interruption", async () => {
    const out = await interrupt("releases", trial, { otherReleases: () => ["0.9.0"] });
    const summary = await recordTrial(runInto(out, { otherReleases: () => ["1.0.0"] }));
    assert.deepEqual(summary.otherReleases, ["0.9.0", "1.0.0"]);
    assert.deepEqual((await findRun(out))?.summary?.otherReleases, ["0.9.0", "1.0.0"]);
  });

  it("keeps the requested number of checkpoints", async () => {
    const out = join(root, "kept");
    await recordTrial(runInto(out, { checkpoints: { keep: 2 } }));
    const kept = (await fs.readdir(out)).filter((name) => name.startsWith("checkpoint-"));
    assert.deepEqual(kept.sort(), ["checkpoint-10", "checkpoint-11"]);
    assert.ok(!existsSync(join(root, "whole", "checkpoint-11")));
  });

  const small: Trial = { ...trial, rounds: 2, baselines: trial.baselines.slice(2) };
  for (const fault of ["EIO", "ENOSPC", "killed"] as const) {
    it(`loses no reported round after ${fault} at any call that changes the disk, and resumes`, async () => {
      const done = join(root, `small-${fault}`);
      const calls = await withBrokenDisk(Infinity, fault, () =>
        recordTrial(runInto(done, { trial: small })),
      );
      assert.ok(calls > 40, String(calls));
      const expected = await contents(done);
      for (let at = 1; at <= calls; at++) {
        const out = join(root, `${fault}-${at}`);
        let reported = 0;
        const onEvent: TrialRun["onEvent"] = ({ event }) => {
          if (event.kind === "round") reported++;
        };
        const broken = () => recordTrial(runInto(out, { trial: small, onEvent }));
        await withBrokenDisk(at, fault, broken).catch((error: unknown) => {
          assert.match(String(error), new RegExp(`${fault}: at call ${at}`));
        });
        // its process is this one, which is still running
        if (fault === "killed") await rm(join(out, "lock"), { force: true });
        const stored = await findRun(out);
        if (stored?.status !== "done") assert.ok((stored?.rounds ?? 0) >= reported, `call ${at}`);
        if (stored?.status !== "done") await recordTrial(runInto(out, { trial: small }));
        assert.deepEqual(await contents(out), expected, `call ${at}`);
        const parts = (await fs.readdir(out)).filter((name) => name.endsWith(".part"));
        assert.deepEqual(parts, [], `call ${at}`);
      }
    });
  }
});
