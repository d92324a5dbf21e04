import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { definePlugin, UserError } from "@fedclair/core";
import { z } from "zod";
import { openRun, run, sweep, verify } from "../index.js";

const number = definePlugin({
  kind: "task",
  name: "one-number",
  summary: "Clients estimate the mean of their numbers.",
  schema: z.strictObject({ spread: z.number().default(1).describe("Standard deviation.") }),
  metrics: { error: { better: "lower", description: "distance from the client's number" } },
  primary: "error",
  create: ({ spread }) => ({
    start: () =>
      Promise.resolve({ params: new Map([["mean", { shape: [1], data: new Float64Array(1) }]]) }),
    openShard: ({ rng }) => {
      const own = spread * rng.normal();
      const delta = new Map([["mean", { shape: [1], data: Float64Array.of(own) }]]);
      const metrics = { error: Math.abs(own) };
      return Promise.resolve({
        train: () => Promise.resolve({ numExamples: 1, delta, metrics: {} }),
        evaluate: () => Promise.resolve({ numExamples: 1, delta: new Map(), metrics }),
      });
    },
  }),
});
const plugins = [number] as const;
const trial = {
  name: "t",
  rounds: 3,
  clients: 6,
  task: { name: "one-number", spread: 2 },
  aggregator: { name: "krum" },
  attacks: [{ attack: { name: "sign-flip" }, count: 1 }],
} as const;

describe("the functions for programs", () => {
  let folder: string;
  const before = process.cwd();
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-api-"));
    process.chdir(folder);
  });
  afterEach(async () => {
    process.chdir(before);
    await rm(folder, { recursive: true });
  });

  it("run a trial that is an object, with a plug-in that is one", async () => {
    const running = run(trial, { plugins });
    const rounds: number[] = [];
    for await (const event of running) {
      if (event.kind !== "round") continue;
      rounds.push(event.round);
      const now = await openRun(join("runs", readdirSync("runs").join("")));
      const seen = [];
      for await (const row of now.rounds()) seen.push(row.round);
      assert.deepEqual(seen, rounds, "the trial waits for the loop");
    }
    assert.deepEqual(rounds, [1, 2, 3]);
    const done = await running;
    assert.equal(done.status, "done");
    assert.deepEqual(done.faults, []);
    const rows = [];
    for await (const row of done.clients()) rows.push(row);
    assert.equal(rows.length, 18);
    assert.equal(rows.filter(({ attack }) => attack === "sign-flip").length, 3);
    assert.equal(typeof rows[0]?.metrics.get("evaluation/error"), "number");
    const again = await run(trial, { plugins });
    assert.notEqual(again.folder, done.folder, "the plug-in may have changed");
  });

  it("take a finished run of built-in plug-ins, and verify it", async () => {
    const task = { name: "linear-regression" } as const;
    const made = await run({ ...trial, task, rounds: 2 });
    for await (const event of run({ ...trial, task, rounds: 2 })) assert.equal(event.kind, "none");
    const rounds = { count: 1 };
    const { compared, differing } = await verify(made.folder, { rounds, seed: 1 });
    assert.deepEqual([compared, differing], [[1, 2], []]);
    await writeFile(join(made.folder, "params.safetensors"), "cut");
    const other = await verify(made.folder, { rounds, seed: 1 });
    assert.deepEqual(
      other.differing.map(({ keys }) => keys),
      [["params.safetensors"]],
    );
  });

  it("stop with the signal, or where the loop is left, and go on later", async () => {
    const long = { ...trial, rounds: 40 };
    for await (const event of run(long, { plugins, out: "one" })) {
      if (event.kind === "round" && event.round === 2) break;
    }
    assert.equal((await openRun("one")).status, "interrupted");
    const stopping = new AbortController();
    const { signal } = stopping;
    const running = run(long, { plugins, out: "one", resume: true, signal });
    const kinds: string[] = [];
    await assert.rejects(async () => {
      for await (const event of running) {
        kinds.push(event.kind);
        if (event.kind === "round" && event.round === 4) stopping.abort(new Error("enough"));
      }
    }, /^Error: enough$/);
    assert.equal(kinds[0], "resumed");
    await assert.rejects(Promise.resolve(running), /enough/);
    const { summary } = await run(long, { plugins, out: "one", resume: true });
    assert.equal(summary.measures["clients.lost"], 0);
  });

  it("sweep over lists in an object", async () => {
    const grid = {
      ...trial,
      aggregator: [{ name: "krum" }, { name: "fedavg" }],
      seeds: 2,
    } as const;
    const places: string[] = [];
    const running = sweep(grid, { plugins, report: false });
    for await (const event of running) if (event.kind === "trial") places.push(event.trial.folder);
    const { folder: out, tables, failed } = await running;
    assert.equal(places.length, 4);
    assert.deepEqual(failed, []);
    assert.deepEqual(tables[0]?.rows, ["krum", "fedavg"]);
    assert.ok(existsSync(join(out, "table.csv")));
    const { folder: other } = await sweep(grid, { plugins, report: false });
    assert.equal(other, `${out}-1`);
  });

  it("sweep in several processes", async () => {
    const task = { name: "linear-regression" } as const;
    const options = { jobs: 2, report: false, out: "grid" };
    const { finished, failed } = await sweep({ ...trial, task, rounds: 1, seeds: 2 }, options);
    assert.deepEqual([finished, failed], [2, []]);
  });

  it("reject faults with a class and a code", async () => {
    const misspelt = { ...trial, task: { name: "one-number", spred: 2 } };
    // @ts-expect-error -- the option is misspelt
    await assert.rejects(Promise.resolve(run(misspelt, { plugins })), (error) => {
      assert.ok(error instanceof UserError);
      assert.equal(error.code, "usage");
      assert.match(error.message, /^trial: task: unknown key 'spred', did you mean 'spread'\?$/);
      return true;
    });
    const spread = Promise.resolve(run(trial, { plugins, hosts: 2 }));
    await assert.rejects(spread, /^UserError: hosts: other processes lack the program's plug-ins/);
    await assert.rejects(openRun("nowhere"), { code: "usage" });
  });
});
