import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { stream } from "@fedclair/linalg";
import type { Answer, ClientPool, Job } from "../contracts/pool.js";
import { UserError, type Failure } from "../words/errors.js";
import { askForParams } from "./ask-for-params.js";
import { encodeSafetensors } from "../tensors/safetensors.js";
import type { Tensor } from "../tensors/tensor.js";
import type { Delta, TensorDelta, Update } from "../tensors/update.js";

const clientIds = ["c0", "c1", "c2", "c3"];

/** Creates a pool that answers from a table of clients. */
function createPool(
  answers: Readonly<Record<string, Update | Failure>>,
  asked: Job[] = [],
): ClientPool {
  return {
    ready: () => Promise.resolve(),
    close: () => Promise.resolve(),
    async *ask(jobs, admit) {
      for (const job of jobs) {
        asked.push(job);
        const answer = await Promise.resolve(answers[job.clientId]);
        assert.ok(answer);
        const { id: jobId, clientId } = job;
        const failure = "code" in answer ? answer : admit(answer);
        const settled: Answer = failure
          ? { jobId, clientId, failure }
          : { jobId, clientId, update: answer as Update };
        yield settled;
      }
    },
  };
}

const createUpdate = (clientId: string, delta: Delta): Update => ({
  clientId,
  numExamples: 1,
  delta,
  metrics: {},
});

function ask(pool: ClientPool, maxMessageBytes = 1000) {
  const limits = { answerSeconds: 60, maxMessageBytes } as never;
  const signal = new AbortController().signal;
  return askForParams({ trial: { limits }, clientIds, pool, rng: stream(1), signal });
}

const matrix = { shape: [2, 2], data: Float64Array.of(1, 2, 3, 4) };
const zero = {
  b: { shape: [3, 0], data: new Float32Array() },
  a: { shape: [0, 2], data: new Float32Array() },
};
const rankOne = {
  b: { shape: [2, 1], data: Float32Array.of(1, 2) },
  a: { shape: [1, 3], data: Float32Array.of(1, 10, 100) },
};

describe("askForParams", () => {
  it("returns the first client's params: tensors, products, and zeros sent as a pair of rank 0", async () => {
    const delta = new Map<string, TensorDelta>([
      ["dense", matrix],
      ["zero", zero],
      ["pair", rankOne],
    ]);
    const asked: Job[] = [];
    const { params, origin } = await ask(createPool({ c0: createUpdate("c0", delta) }, asked));
    assert.deepEqual(
      params,
      new Map<string, Tensor>([
        ["dense", matrix],
        ["zero", { shape: [3, 2], data: new Float32Array(6) }],
        ["pair", { shape: [2, 3], data: Float32Array.of(1, 10, 100, 2, 20, 200) }],
      ]),
    );
    const sha256 = createHash("sha256").update(encodeSafetensors(params)).digest("hex");
    assert.deepEqual(origin, { clientId: "c0", sha256 });
    assert.deepEqual(
      asked.map((job) => [job.kind, job.round, job.clientIndex, job.clientCount]),
      [["initial", 0, 0, 4]],
    );
  });

  it("asks the next client if one has no params, and at most three", async () => {
    const failure: Failure = { code: "CLIENT_ERROR", message: "no model" };
    const c2 = createUpdate("c2", new Map([["m", matrix]]));
    const { origin } = await ask(
      createPool({ c0: failure, c1: createUpdate("c1", new Map()), c2 }),
    );
    assert.equal(origin.clientId, "c2");
    const all = { c0: failure, c1: failure, c2: failure };
    await assert.rejects(ask(createPool(all)), (error: unknown) => {
      assert.ok(error instanceof UserError && error.exitCode === 2);
      assert.match(
        error.message,
        /^no client has initial params:\n {2}c0: CLIENT_ERROR \(no model\)\n/,
      );
      return true;
    });
  });

  for (const [code, delta] of [
    ["WRONG_MODULES", new Map()],
    ["NON_FINITE", new Map([["m", { shape: [1], data: Float32Array.of(NaN) }]])],
    ["WRONG_SHAPE", new Map([["m", { shape: [0, 4], data: new Float32Array() }]])],
    ["WRONG_SHAPE", new Map([["m", { ...rankOne, b: zero.b }]])],
    // A few bytes that claim a matrix of 4 GB.
    [
      "OVERSIZE",
      new Map([
        [
          "m",
          {
            b: { shape: [2 ** 15, 0], data: new Float32Array() },
            a: { shape: [0, 2 ** 15], data: new Float32Array() },
          },
        ],
      ]),
    ],
  ] as const) {
    it(`rejects ${code}: ${JSON.stringify([...delta.values()]).slice(0, 60)}`, async () => {
      const pool = createPool(
        Object.fromEntries(clientIds.map((id) => [id, createUpdate(id, delta as Delta)])),
      );
      await assert.rejects(ask(pool), new RegExp(`c0: ${code} `));
    });
  }
});
