import assert from "node:assert/strict";
import type { Aggregator } from "../contracts/aggregator.js";
import type { Answer, ClientPool, Job } from "../contracts/pool.js";
import type { Update } from "../tensors/update.js";
import { exitCodes, UserError } from "../words/errors.js";
import { windowSize } from "./gather-streamed.js";
import { planRounds, type RoundPlan } from "./round-plan.js";
import { runRounds, type RoundDone } from "./round.js";
import { startTrial } from "./trial-state.js";
import { oneHost, prepare, toyPlugins, toyTrial } from "../../testing/index.js";

/** One window and a rest of six clients. */
const clients = windowSize + 6;

/** Runs a trial of the toy task with the whole cohort in each round. */
async function run(
  changes: object = {},
  planned: Partial<RoundPlan> = {},
  rounds: RoundDone[] = [],
) {
  const trial = toyTrial({ clients, evaluate: "never", ...changes });
  const prepared = prepare(trial, toyPlugins);
  const task = await prepared.loadTask();
  const pool = await oneHost(trial, toyPlugins);
  const { signal } = new AbortController();
  const plan = { ...planRounds(prepared, prepared.arms[0], { task, pool, signal }), ...planned };
  let state = await startTrial(task, plan.clientIds, plan.rng);
  for await (const event of runRounds(plan, state)) {
    if (event.kind !== "round") continue;
    rounds.push(event);
    ({ state } = event);
  }
  return { rounds, state };
}

/** An aggregator that counts the updates of every call. */
function countCalls(fault?: Error) {
  const calls: (number | string)[] = [];
  const ids: string[] = [];
  const aggregator: Aggregator = {
    aggregate: ({ updates }) => {
      calls.push(`all ${updates.length}`);
      return Promise.resolve({ change: [] });
    },
    stream: () => ({
      add: (updates: readonly Update[]) => {
        calls.push(updates.length);
        ids.push(...updates.map(({ clientId }) => clientId));
        return fault ? Promise.reject(fault) : Promise.resolve();
      },
      finish: () => Promise.resolve({ change: [] }),
    }),
  };
  return { aggregator, calls, ids };
}

/** A pool that asks another one and changes its answers. */
const wrap = (
  inner: ClientPool,
  change: (answers: Answer[], jobs: readonly Job[]) => Answer[],
) => ({
  ready: (signal: AbortSignal) => inner.ready(signal),
  close: () => inner.close(),
  async *ask(...[jobs, admit, signal]: Parameters<ClientPool["ask"]>) {
    const all: Answer[] = [];
    for await (const answer of inner.ask(jobs, admit, signal)) all.push(answer);
    yield* change(all, jobs);
  },
});

describe("a streamed round", () => {
  it("gives the mean of all clients", async () => {
    // Client i holds i + 1 and steps to it from 0.
    const { rounds, state } = await run({ rounds: 1 });
    assert.equal(state.params.get("dense")?.data[0], (clients + 1) / 2);
    const [first] = rounds;
    assert.equal(first?.record.clients.length, clients);
    assert.deepEqual(
      first.record.clients.slice(0, 2).map(({ clientId, numExamples }) => [clientId, numExamples]),
      [
        ["c0000", 1],
        ["c0001", 2],
      ],
    );
    // Up 2·8 + 2·4 + 3·4 bytes, as without a stream.
    assert.equal(first.record.bytes.up, clients * 36);
  });

  it("adds windows in a random order that does not depend on the order of arrival", async () => {
    const trial = toyTrial({ clients, rounds: 1 });
    const [forth, back] = [countCalls(), countCalls()];
    const one = await run({ rounds: 1 }, { aggregator: forth.aggregator });
    const reversed = wrap(await oneHost(trial, toyPlugins), (answers) => answers.reverse());
    const other = await run({ rounds: 1 }, { aggregator: back.aggregator, pool: reversed });
    assert.deepEqual(forth.calls, [windowSize, 6]);
    assert.deepEqual(back.ids, forth.ids);
    assert.notDeepEqual(forth.ids, forth.ids.toSorted());
    assert.equal(new Set(forth.ids).size, clients);
    assert.deepEqual(other.rounds[0]?.record, one.rounds[0]?.record);
  });

  it("is left to small cohorts and to all that need the whole cohort", async () => {
    for (const [changes, expected] of [
      [{}, [windowSize, 6]],
      [{ cohort: { count: windowSize } }, [`all ${windowSize}`]],
      [{ attacks: [{ attack: { name: "toy-forger" }, count: 1 }] }, [`all ${clients}`]],
      [{ attacks: [{ attack: { name: "toy-scale" }, count: 1 }] }, [windowSize, 6]],
      [{ mods: [{ name: "toy-half" }] }, [`all ${clients}`]],
      [{ mods: [{ name: "toy-whole" }] }, [windowSize, 6]],
      [{ devices: { seconds: { median: 1 } } }, [`all ${clients}`]],
    ] as const) {
      const { aggregator, calls } = countCalls();
      await run({ rounds: 1, ...changes }, { aggregator });
      assert.deepEqual(calls, expected, JSON.stringify(changes));
    }
  });

  it("ends the arm and asks nobody else if the aggregator fails", async () => {
    const asked: number[] = [];
    const changes = { clients: 4 * windowSize, rounds: 1 };
    const inner = await oneHost(toyTrial(changes), toyPlugins);
    const pool = wrap(inner, (answers, jobs) => {
      asked.push(jobs.length);
      return answers;
    });
    const { aggregator } = countCalls(new TypeError("no fit"));
    const rounds: RoundDone[] = [];
    await assert.rejects(run(changes, { aggregator, pool }, rounds), (error) => {
      assert.ok(error instanceof UserError);
      assert.deepEqual(
        [error.message, error.exitCode],
        ["round 1: TypeError: no fit", exitCodes.stopped],
      );
      return true;
    });
    assert.ok(asked.length < 4, `${asked.length} windows`);
    // The record has a reason for each client that was not asked.
    const failed = rounds[0]?.record.clients.filter(({ failure }) => failure !== null);
    assert.deepEqual(
      [failed?.length, failed?.[0]?.failure],
      [
        (4 - asked.length) * windowSize,
        { code: "TRIAL_ENDED", message: "not asked: the arm ended before" },
      ],
    );
    // They are no failures of the quorum, which would hide the aggregator's error.
    const strict = { ...changes, limits: { quorum: 1 } };
    await assert.rejects(run(strict, { aggregator }), /round 1: TypeError: no fit/);
  });

  it("records failures, and counts them against the quorum", async () => {
    const faults = { 0: "throw", [clients - 1]: "nan" };
    const { rounds } = await run({ rounds: 1, task: { name: "toy", faults } });
    const failed = rounds[0]?.record.clients.flatMap(({ clientId, failure }) =>
      failure ? [[clientId, failure.code]] : [],
    );
    assert.deepEqual(failed, [
      ["c0000", "CLIENT_ERROR"],
      [`c${clients - 1}`, "NON_FINITE"],
    ]);
    await assert.rejects(
      run({ rounds: 1, task: { name: "toy", faults }, limits: { quorum: 1 } }),
      /round 1: 1028 of 1030 clients were admitted, limits\.quorum = 1 needs 1030/,
    );
  });
});
