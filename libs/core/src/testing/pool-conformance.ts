import assert from "node:assert/strict";
import { admitEvaluation, admitUpdate, shapesOf } from "../admission.js";
import { clientIds } from "../clients.js";
import { ClientRunner } from "../client-runner.js";
import type { Answer, ClientPool, Plugins, Work } from "../contracts.js";
import type { Trial } from "../trial.js";
import { toyParams, toyPlugins, toyTrial } from "./toy.js";

/** Makes the pool under test, with hosts that run `new ClientRunner(trial, plugins)`. */
export type MakePool = (trial: Trial, plugins: Plugins) => Promise<ClientPool>;

const never = new AbortController().signal;

function work(trial: Trial, changes: Partial<Work> = {}): Work {
  const global = toyParams(0);
  return {
    round: 1,
    phase: "train",
    kind: "train",
    clientIds: clientIds(trial.clients),
    global,
    personal: new Map(),
    admit: (update) => admitUpdate(update, shapesOf(global)),
    ...changes,
  };
}

async function arrivals(
  pool: ClientPool,
  todo: Work,
  signal = never,
): Promise<Map<string, Answer>> {
  const byClient = new Map<string, Answer>();
  for await (const arrival of pool.run(todo, signal)) {
    assert.ok(!byClient.has(arrival.clientId), `${arrival.clientId} arrived twice`);
    byClient.set(arrival.clientId, arrival);
  }
  return byClient;
}

function codes(byClient: Map<string, Answer>): Record<string, string> {
  return Object.fromEntries(
    [...byClient].map(([id, arrival]) => [id, "update" in arrival ? "ok" : arrival.failure.code]),
  );
}

/** What every `ClientPool` must do, whatever carries its messages. */
export function describeClientPool(name: string, makePool: MakePool): void {
  describe(`${name} as a ClientPool`, () => {
    let pool: ClientPool;
    const open = async (trial: Trial) => {
      pool = await makePool(trial, toyPlugins);
      await pool.ready(never);
      return pool;
    };
    afterEach(() => pool.close());

    it("brings back, bit for bit, what each client's runner makes of its job", async () => {
      const trial = toyTrial();
      const runner = new ClientRunner(trial, toyPlugins);
      const got = await arrivals(await open(trial), work(trial));
      assert.deepEqual([...got.keys()].sort(), clientIds(4));
      for (const clientId of clientIds(4)) {
        const job = {
          round: 1,
          phase: "train",
          kind: "train" as const,
          clientId,
          params: toyParams(0),
        };
        assert.deepEqual(got.get(clientId), await runner.run(job));
      }
    });

    it("asks only the clients of the work, round after round", async () => {
      const trial = toyTrial();
      await open(trial);
      for (const [i, ids] of [["c02"], ["c00", "c03"], ["c02", "c01"]].entries()) {
        const got = await arrivals(pool, work(trial, { round: i + 1, clientIds: ids }));
        assert.deepEqual([...got.keys()].sort(), [...ids].sort());
      }
    });

    it("gives a client its personal params, the others the global ones", async () => {
      const trial = toyTrial();
      const personal = new Map([["c01", toyParams(10)]]);
      const got = await arrivals(await open(trial), work(trial, { personal }));
      const losses = clientIds(4).map((id) => {
        const arrival = got.get(id);
        return arrival && "update" in arrival ? arrival.update.metrics["loss"] : undefined;
      });
      assert.deepEqual(losses, [1, 2 - 10, 3, 4]);
    });

    it("lets clients evaluate", async () => {
      const trial = toyTrial();
      const todo = work(trial, { kind: "evaluate", global: toyParams(3), admit: admitEvaluation });
      const got = await arrivals(await open(trial), todo);
      const arrival = got.get("c00");
      assert.deepEqual(arrival && "update" in arrival && arrival.update, {
        clientId: "c00",
        numExamples: 1,
        delta: new Map(),
        metrics: { distance: 2 },
      });
    });

    it("names every client that fails, and serves the others", async () => {
      const trial = toyTrial({
        clients: 6,
        task: {
          name: "toy",
          faults: { 0: "throw", 1: "silent", 2: "nan", 3: "shape", 4: "modules" },
        },
        limits: { clientSeconds: 0.05 },
      });
      const got = await arrivals(await open(trial), work(trial));
      assert.deepEqual(codes(got), {
        c00: "CLIENT_ERROR",
        c01: "CLIENT_TIMEOUT",
        c02: "NON_FINITE",
        c03: "WRONG_SHAPE",
        c04: "WRONG_MODULES",
        c05: "ok",
      });
      const broken = got.get("c00");
      assert.match(
        broken && "failure" in broken ? broken.failure.message : "",
        /the toy is broken/,
      );
    });

    it("asks `admit` about every update and obeys it", async () => {
      const trial = toyTrial();
      const admit: Work["admit"] = ({ clientId }) =>
        clientId === "c02" ? { code: "NON_FINITE", message: "not this one" } : undefined;
      const got = await arrivals(await open(trial), work(trial, { admit }));
      assert.deepEqual(codes(got), { c00: "ok", c01: "ok", c02: "NON_FINITE", c03: "ok" });
      assert.deepEqual(got.get("c02"), {
        clientId: "c02",
        failure: { code: "NON_FINITE", message: "not this one" },
      });
    });

    it("ends a round on the signal, and the next one is whole", async () => {
      const trial = toyTrial({
        task: { name: "toy", faults: { 0: "silent" } },
        limits: { clientSeconds: 0.2 },
      });
      await open(trial);
      const closing = new AbortController();
      const first = arrivals(pool, work(trial), closing.signal);
      setImmediate(() => {
        closing.abort();
      });
      assert.ok((await first).size < 4);
      const second = await arrivals(
        pool,
        work(trial, { round: 2, clientIds: ["c01", "c02", "c03"] }),
      );
      assert.deepEqual(codes(second), { c01: "ok", c02: "ok", c03: "ok" });
    });
  });
}
