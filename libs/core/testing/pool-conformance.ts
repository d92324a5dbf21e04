import assert from "node:assert/strict";
import { admitEvaluation, admitUpdate, shapesOf } from "../src/tensors/admission.js";
import { clientIds } from "../src/contracts/clients.js";
import { ClientRunner } from "../src/client/client-runner.js";
import type { Plugins } from "../src/contracts/plugin.js";
import type { Admit, Answer, ClientPool, Job } from "../src/contracts/pool.js";
import { loadTensor, readNumbers } from "../src/tensors/tensor.js";
import { isLowRank, mapTensors } from "../src/tensors/update.js";
import type { Trial } from "../src/trial/trial.js";
import { prepare } from "./play.js";
import { toyParams, toyPlugins, toyTrial } from "./toy.js";

/** Creates the pool under test, with hosts that run `new ClientRunner(prepare(trial, plugins))`. */
export type MakePool = (trial: Trial, plugins: Plugins) => Promise<ClientPool>;

const never = new AbortController().signal;

/** Reads an answer's numbers into memory. */
function loadAnswer(answer: Answer): Answer {
  if (!("update" in answer)) return answer;
  const delta = mapTensors(answer.update.delta, loadTensor);
  return { ...answer, update: { ...answer.update, delta } };
}

let lastJob = 0;

/** Creates one job per client. */
function createJobs(ids: readonly string[], changes: Partial<Job> = {}): Job[] {
  const base = toyParams(0);
  const params = { base, rounds: [] };
  const client = { clientIndex: 0, clientCount: 4, seed: 1, commonSeed: 2 };
  const common = { round: 1, phase: "train", kind: "train" as const, params, ...client };
  return ids.map((clientId) => ({ ...common, ...changes, clientId, id: ++lastJob }));
}

const admitToy: Admit = (update) => admitUpdate(update, shapesOf(toyParams(0)));

async function collectAnswers(
  pool: ClientPool,
  asked: readonly Job[],
  admit = admitToy,
  signal = never,
): Promise<Map<string, Answer>> {
  const byClient = new Map<string, Answer>();
  for await (const answer of pool.ask(asked, admit, signal)) {
    assert.ok(!byClient.has(answer.clientId), `${answer.clientId} answered twice`);
    const job = asked.find(({ id }) => id === answer.jobId);
    assert.equal(job?.clientId, answer.clientId);
    byClient.set(answer.clientId, answer);
  }
  return byClient;
}

function listCodes(byClient: Map<string, Answer>): Record<string, string> {
  return Object.fromEntries(
    [...byClient].map(([id, answer]) => [id, "update" in answer ? "ok" : answer.failure.code]),
  );
}

/**
 * Tests what every `ClientPool` must do, for any transport. Call it where mocha, or another runner
 * with a global `describe` and `it`, runs it.
 */
export function describeClientPool(name: string, makePool: MakePool): void {
  describe(`${name} as a ClientPool`, () => {
    let pool: ClientPool;
    const open = async (trial: Trial) => {
      pool = await makePool(trial, toyPlugins);
      await pool.ready(never);
      return pool;
    };
    afterEach(() => pool.close());

    it("returns each client's result bit for bit", async () => {
      const trial = toyTrial();
      const runner = new ClientRunner(prepare(trial, toyPlugins));
      const asked = createJobs(clientIds(4));
      const got = await collectAnswers(await open(trial), asked);
      assert.deepEqual([...got.keys()].sort(), clientIds(4));
      for (const job of asked) {
        const answer = got.get(job.clientId);
        assert.ok(answer);
        assert.deepEqual(loadAnswer(answer), await runner.run(job));
      }
    });

    it("asks only the clients of the jobs, round after round", async () => {
      const trial = toyTrial();
      await open(trial);
      for (const [i, ids] of [["c02"], ["c00", "c03"], ["c02", "c01"]].entries()) {
        const got = await collectAnswers(pool, createJobs(ids, { round: i + 1 }));
        assert.deepEqual([...got.keys()].sort(), [...ids].sort());
      }
    });

    it("sends a client the params of its job: a base of its own, or terms added to a base", async () => {
      const trial = toyTrial();
      const [base, other] = [toyParams(0), toyParams(10)];
      const term = new Map([["dense", { shape: [2], data: Float64Array.of(5, 5) }]]);
      const paramsOf = (id: string) => {
        if (id === "c01") return { base: other, rounds: [] };
        return { base, rounds: id === "c02" ? [[term], [term, term]] : [] };
      };
      const asked = createJobs(clientIds(4)).map((job) => ({
        ...job,
        params: paramsOf(job.clientId),
      }));
      const got = await collectAnswers(await open(trial), asked);
      const losses = clientIds(4).map((id) => {
        const answer = got.get(id);
        return answer && "update" in answer ? answer.update.metrics["loss"] : undefined;
      });
      assert.deepEqual(losses, [1, 2 - 10, 3 - 15, 4]);
    });

    it("sends a client the control of its job", async () => {
      const control = toyParams(7);
      const asked = createJobs(clientIds(4)).map((job) => ({
        ...job,
        ...(job.clientId === "c01" && { control }),
      }));
      const got = await collectAnswers(await open(toyTrial()), asked);
      const controls = clientIds(4).map((id) => {
        const answer = got.get(id);
        return answer && "update" in answer ? answer.update.metrics["control"] : NaN;
      });
      assert.deepEqual(controls, [undefined, 7, undefined, undefined]);
    });

    it("sends a client its own params, and the personal method of its arm", async () => {
      const personal = { name: "toy-count", by: 2 };
      const baselines = [
        { label: "plain", aggregator: { name: "toy-mean" } },
        { label: "other", aggregator: { name: "toy-mean" }, personal: { name: "toy-count" } },
      ];
      const own = new Map([["rounds", { shape: [1], data: Float64Array.of(40) }]]);
      const asked = createJobs(clientIds(3)).map((job, i) => ({
        ...job,
        personal: [{ arm: 0 }, { arm: 0, own }, { arm: 2, own }][i] ?? assert.fail(),
      }));
      const trial = toyTrial({ clients: 3, personal, baselines });
      const got = await collectAnswers(await open(trial), asked, () => undefined);
      const rounds = clientIds(3).map((id) => {
        const answer = got.get(id);
        const change = answer && "update" in answer ? answer.update.delta.get("own/rounds") : null;
        return change && !isLowRank(change) ? readNumbers(change)[0] : NaN;
      });
      assert.deepEqual(rounds, [2, 42, 41]);
    });

    it("lets clients evaluate", async () => {
      const trial = toyTrial();
      const params = { base: toyParams(3), rounds: [] };
      const asked = createJobs(clientIds(4), { kind: "evaluate", params });
      const got = await collectAnswers(await open(trial), asked, admitEvaluation);
      const answer = got.get("c00");
      assert.deepEqual(answer && "update" in answer && answer.update, {
        clientId: "c00",
        numExamples: 1,
        delta: new Map(),
        metrics: { distance: 2 },
      });
    });

    it("lets clients measure candidates", async () => {
      const trial = toyTrial({ holdBack: 0.5 });
      const term = (x: number) => new Map([["dense", { shape: [2], data: Float64Array.of(x, 0) }]]);
      const candidates = { own: [term(4)], mean: [term(2), term(6)], refined: [term(1), term(2)] };
      const asked = createJobs(clientIds(4), { kind: "choose", candidates });
      const got = await collectAnswers(await open(trial), asked, admitEvaluation);
      const answer = got.get("c02");
      // The client holds 3, so the losses are the distances from there.
      assert.deepEqual(answer && "update" in answer && answer.update, {
        clientId: "c02",
        numExamples: 1,
        delta: new Map(),
        metrics: {
          own: 1,
          "shrunk-quarter": 0.75 * 4 + 0.25 * 8 - 3,
          "shrunk-half": 0.5 * 4 + 0.5 * 8 - 3,
          "added-half": 4 + 0.5 * 8 - 3,
          "added-whole": 4 + 8 - 3,
          clair: 0,
        },
      });
    });

    it("reports every client that fails, and serves the others", async () => {
      const trial = toyTrial({
        clients: 6,
        task: {
          name: "toy",
          faults: { 0: "throw", 1: "silent", 2: "nan", 3: "shape", 4: "modules" },
        },
        limits: { clientSeconds: 0.05 },
      });
      const got = await collectAnswers(await open(trial), createJobs(clientIds(6)));
      assert.deepEqual(listCodes(got), {
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

    it("rejects updates that `admit` rejects", async () => {
      const trial = toyTrial();
      const admit: Admit = ({ clientId }) =>
        clientId === "c02" ? { code: "NON_FINITE", message: "not this one" } : undefined;
      const asked = createJobs(clientIds(4));
      const got = await collectAnswers(await open(trial), asked, admit);
      assert.deepEqual(listCodes(got), { c00: "ok", c01: "ok", c02: "NON_FINITE", c03: "ok" });
      assert.deepEqual(got.get("c02"), {
        jobId: asked[2]?.id,
        clientId: "c02",
        failure: { code: "NON_FINITE", message: "not this one" },
      });
    });

    it("ends a round on the signal, and runs the next one normally", async () => {
      const trial = toyTrial({
        task: { name: "toy", faults: { 0: "silent" } },
        limits: { clientSeconds: 0.2 },
      });
      await open(trial);
      const closing = new AbortController();
      const first = collectAnswers(pool, createJobs(clientIds(4)), admitToy, closing.signal);
      setImmediate(() => {
        closing.abort();
      });
      assert.ok((await first).size < 4);
      const second = await collectAnswers(pool, createJobs(["c01", "c02", "c03"], { round: 2 }));
      assert.deepEqual(listCodes(second), { c01: "ok", c02: "ok", c03: "ok" });
    });
  });
}
