import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { UserError } from "@fedclair/core";
import {
  ClientRunner,
  exitCodes,
  MemoryPool,
  planRounds,
  prepareSentTrial,
  runRounds,
  startTrial,
  type PreparedTrial,
  type RoundRecord,
} from "@fedclair/core/internal";
import { loadPlugins } from "../load-plugins.js";
import { ThreadServer } from "./watched-server.js";

describe("ThreadServer", () => {
  let server: ThreadServer | undefined;
  afterEach(() => server?.close());

  /** Opens a server for a trial with the plug-ins of a module of `testing`. */
  async function open(name: string, changes: object): Promise<[PreparedTrial, ThreadServer]> {
    await server?.close();
    const file = fileURLToPath(new URL(`../../testing/${name}.js`, import.meta.url));
    const modules = [{ file, place: name }];
    const content = {
      name: "test",
      rounds: 2,
      clients: 4,
      aggregator: { name: "fedavg" },
      limits: { serverSeconds: 0.5 },
      ...changes,
    };
    const prepared = prepareSentTrial(content, "the test", await loadPlugins(modules, content));
    server = new ThreadServer({ modules, prepared, backend: "cpu" });
    return [prepared, server];
  }

  /** Runs the main arm. */
  async function run(prepared: PreparedTrial, where?: ThreadServer, clients = prepared) {
    const task = await prepared.loadTask();
    const pool = new MemoryPool(new ClientRunner(clients));
    const { signal } = new AbortController();
    const plan = planRounds(prepared, prepared.arms[0], { task, pool, signal });
    const start = where?.start ? { start: where.start } : task;
    let state = await startTrial(start, prepared.clientIds, prepared.rng);
    const records: RoundRecord[] = [];
    for await (const event of runRounds(plan, state, where?.codeOf(0))) {
      if (event.kind !== "round") continue;
      records.push(event.record);
      ({ state } = event);
    }
    return { records, state };
  }

  it("gives the same rounds as the main thread", async () => {
    const [prepared, opened] = await open("toys", {
      task: { name: "toy" },
      aggregator: { name: "toy-mean" },
      attacks: [{ attack: { name: "toy-forger" }, clients: ["c03"] }],
      mods: [{ name: "toy-half" }, { name: "toy-whole" }],
      limits: {},
    });
    const expected = await run(prepared);
    assert.deepEqual(await run(prepared, opened), expected);
    const [, second] = expected.records;
    assert.equal(second?.clients[0]?.mods?.["toy-half"]?.["asked"], 2, "states are passed on");
  });

  it("streams a large cohort to an aggregator from outside, like the main thread", async () => {
    const [prepared, opened] = await open("toys", {
      task: { name: "toy" },
      aggregator: { name: "toy-mean" },
      clients: 1100,
      rounds: 1,
      evaluate: "never",
      limits: {},
    });
    const expected = await run(prepared);
    // Client i holds i + 1 and steps to it from 0.
    assert.equal(expected.state.params.get("dense")?.data[0], 550.5);
    assert.deepEqual(await run(prepared, opened), expected);
    assert.equal(opened.isRunning, true);
  });

  for (const [what, changes, name] of [
    [
      "aggregator",
      { aggregator: { name: "hanging-rule" } },
      "aggregate() of aggregator 'hanging-rule'",
    ],
    ["step", { task: { name: "hanging", fault: "step" } }, "step() of task 'hanging'"],
    ["mod", { mods: [{ name: "hanging-server-mod" }] }, "server() of mod 'hanging-server-mod'"],
    [
      "attack",
      { attacks: [{ attack: { name: "hanging-attack" }, clients: ["c01"] }] },
      "attackRound() of attack 'hanging-attack'",
    ],
  ] as const) {
    it(`ends the arm whose ${what} does not return, and serves the next one`, async () => {
      const [prepared, opened] = await open("hanging", { task: { name: "hanging" }, ...changes });
      const message = `round 1: ${name} did not return within 0.5 s (limits.serverSeconds)`;
      for (let arm = 0; arm < 2; arm++)
        await assert.rejects(run(prepared, opened), (error) => {
          assert.ok(error instanceof UserError);
          assert.deepEqual([error.message, error.exitCode], [message, exitCodes.stopped]);
          return true;
        });
    });
  }

  it("ends the arm whose thread a plug-in has changed, and serves the next one", async () => {
    const rule = { aggregator: { name: "patching-rule" }, task: { name: "linear-regression" } };
    const [prepared, opened] = await open("hanging", rule);
    for (const message of [/patched/, /its thread failed: .+ Map\.prototype\?$/, /patched/])
      await assert.rejects(run(prepared, opened), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        assert.equal(error.exitCode, exitCodes.stopped);
        return true;
      });
  });

  it("fails an external client whose attack at the coordinator does not return", async () => {
    const [prepared, opened] = await open("hanging", {
      task: { name: "hanging" },
      external: ["c01"],
      attacks: [{ attack: { name: "hanging-client-attack" }, clients: ["c01"] }],
      rounds: 1,
    });
    const honest = { ...prepared, contamination: new Map() };
    const { records } = await run(prepared, opened, honest);
    const failures = records[0]?.clients.map(({ failure }) => failure?.message);
    const hung =
      "corruptUpdate() of attack 'hanging-client-attack' did not return within 0.5 s (limits.serverSeconds)";
    assert.deepEqual(failures, [undefined, hung, undefined, undefined]);
  });

  it("reports a task's start that does not return", async () => {
    const [prepared, opened] = await open("hanging", { task: { name: "hanging", fault: "start" } });
    await assert.rejects(
      run(prepared, opened),
      /^UserError: start\(\) of task 'hanging' did not return within 0\.5 s \(limits\.serverSeconds\)$/,
    );
  });

  it("runs code that is built in in the main thread", async () => {
    const [prepared, opened] = await open("toys", {
      task: { name: "linear-regression" },
      aggregator: { name: "coordinate-median" },
    });
    assert.equal(opened.start, undefined);
    await run(prepared, opened);
    assert.equal(opened.isRunning, false);
  });

  it("ends its thread when the trial is interrupted", async () => {
    const [prepared, opened] = await open("hanging", {
      task: { name: "hanging" },
      aggregator: { name: "hanging-rule" },
      limits: { serverSeconds: 3600 },
    });
    const task = await prepared.loadTask();
    const pool = new MemoryPool(new ClientRunner(prepared));
    const interruption = new AbortController();
    const { signal } = interruption;
    const plan = planRounds(prepared, prepared.arms[0], { task, pool, signal });
    const state = await startTrial(task, prepared.clientIds, prepared.rng);
    const rounds = runRounds(plan, state, opened.codeOf(0));
    const end = (async () => {
      for await (const { kind } of rounds) {
        if (kind !== "answered") continue;
        setTimeout(() => {
          interruption.abort();
        });
      }
    })();
    await assert.rejects(end, { name: "AbortError" });
  });
});
