import {
  readNumbers,
  deltaShape,
  isLowRank,
  toFloat64,
  zeros,
  type Aggregation,
  type Delta,
  type Params,
  type Plugins,
  type Task,
  type TaskPlugin,
  type Tensor,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { parseTrial } from "@fedclair/core/internal";
import { play, toyPlugins } from "@fedclair/core/testing";
import { addScaled, gaussian, median, multiply, stream, type Stream } from "@fedclair/linalg";
import fc from "fast-check";
import assert from "node:assert/strict";
import { deserialize, serialize } from "node:v8";
import { z } from "zod";
import { idOf, randomBasis, updateOf } from "@fedclair/rules/testing";
import { clair, clairAggregator, clairSchema, refine } from "./index.js";
import type { ClairState } from "./aggregator.js";

/** A small PyTorch network: two layers with biases, a convolution, and a scale. */
const shapes: Readonly<Record<string, readonly number[]>> = {
  "conv.weight": [6, 2, 3, 3],
  "conv.bias": [6],
  "fc.weight": [12, 10],
  "fc.bias": [12],
  scale: [],
};
const vectors = ["conv.bias", "fc.bias", "scale"];

/**
 * The change of a module that client k learns in a round, inside the common space of rank 2 or
 * outside it.
 */
function learnChange(root: Stream, name: string, shape: readonly number[], k: number, bad: number) {
  const own = root.at(name, k);
  const [rows = 1, ...rest] = shape;
  const columns = rest.reduce((product, extent) => product * extent, 1);
  if (rest.length === 0) return gaussian(own, rows, 1);
  const u = randomBasis(root.at("U", name), rows, 2);
  const x = k < bad ? gaussian(own, rows, columns) : multiply(u, gaussian(own, 2, columns));
  addScaled(x, 1, gaussian(own.at("noise"), rows, columns, 0.02));
  return x;
}

/** Ten clients in float32; the first three are contaminated. */
function roundOf(root: Stream, bad = 3, clients = 10): Update[] {
  return Array.from({ length: clients }, (_, k) => {
    const delta = Object.entries(shapes).map(([name, shape]): [string, Tensor] => {
      const numbers = learnChange(root, name, shape, k, bad).toRowMajor();
      return [name, { shape, data: Float32Array.from(numbers) }];
    });
    return { clientId: idOf(k), numExamples: k + 1, delta: new Map(delta), metrics: {} };
  });
}

/** The same updates without vectors, with the convolution sent as out × in·kh·kw. */
function matricesOf(updates: readonly Update[]): Update[] {
  return updates.map((update) => {
    const { "conv.weight": conv, "fc.weight": fc } = Object.fromEntries(update.delta);
    assert.ok(conv && fc && !isLowRank(conv));
    const unfolded: Tensor = { shape: [6, 18], data: readNumbers(conv) };
    const matrices: Record<string, TensorDelta> = { "conv.weight": unfolded, "fc.weight": fc };
    return { ...update, delta: new Map(Object.entries(matrices)) };
  });
}

/** An update that changes only vectors. */
function idle(update: Update): Update {
  const nothing = ["conv.weight", "fc.weight"].map(
    (name) => [name, zeros(shapes[name] ?? [])] as const,
  );
  return { ...update, delta: new Map([...update.delta, ...nothing]) };
}

const aggregate = (updates: readonly Update[], options: object = {}, seed = 1) =>
  clairAggregator
    .create(clairSchema.parse({ rule: "gap", rank: 2, ...options }) as never)
    .aggregate({ round: 1, phase: "train", updates, rng: stream(seed) });

/** A module of a sum of terms; undefined if no term contains it. */
function sumOf(terms: readonly Delta[] | undefined, name: string): number[] | undefined {
  const parts = (terms ?? []).flatMap((term) => term.get(name) ?? []).map(toFloat64);
  const [first, ...others] = parts;
  return first && Array.from(first, (x, i) => others.reduce((sum, y) => sum + (y[i] ?? NaN), x));
}

function assertNear(got: readonly number[] | undefined, wanted: readonly number[] | undefined) {
  assert.ok(got && wanted && got.length === wanted.length);
  got.forEach((x, i) => {
    assert.ok(Math.abs(x - (wanted[i] ?? NaN)) < 1e-10, `${x} is not ${wanted[i] ?? NaN}`);
  });
}

const clientsOf = ({ personal }: Aggregation) => [...(personal?.keys() ?? [])];

/** Clients with the same change of a matrix and one bias each. */
function biased(biases: readonly number[], matrix = gaussian(stream("matrix"), 4, 3)): Update[] {
  return biases.map((bias, k) => {
    const { delta } = updateOf(idOf(k), { w: matrix });
    const vector = { shape: [1], data: Float64Array.of(bias) };
    return {
      clientId: idOf(k),
      numExamples: k + 1,
      delta: new Map([...delta, ["b", vector]]),
      metrics: {},
    };
  });
}

describe("clair on modules that are not matrices", () => {
  for (const options of [
    {},
    { rank: "auto" },
    { rule: "evidence" },
    { side: "both", screens: ["norm"] },
    { models: "global", centered: true },
  ]) {
    it(`treats matrices the same with and without the other modules: ${JSON.stringify(options)}`, async () => {
      const updates = roundOf(stream("alone"));
      const all = await aggregate(updates, options);
      const alone = await aggregate(matricesOf(updates), options);
      // Ten clients are few: with rule evidence those that stand out may be undecided.
      const worst = all.verdicts?.toSorted((x, y) => (y.score ?? 0) - (x.score ?? 0)).slice(0, 3);
      assert.deepEqual(worst?.map(({ clientId }) => clientId).sort(), ["c00", "c01", "c02"]);
      assert.ok(worst.every(({ pooled }) => !pooled));
      assert.deepEqual(all.verdicts, alone.verdicts);
      assert.deepEqual(all.metrics, alone.metrics);
      for (const name of ["conv.weight", "fc.weight"]) {
        assertNear(sumOf(all.change, name), sumOf(alone.change, name));
        for (const id of clientsOf(alone)) {
          assertNear(sumOf(all.personal?.get(id), name), sumOf(alone.personal?.get(id), name));
        }
      }
    });
  }

  it("returns every module in its own shape, and matrices as pairs", async () => {
    const { change, personal, verdicts } = await aggregate(roundOf(stream("shapes")));
    assert.equal(personal?.size, 10);
    for (const terms of [change, ...personal.values()]) {
      assert.deepEqual(
        new Set(terms.flatMap((term) => [...term.keys()])),
        new Set(Object.keys(shapes)),
      );
      for (const [name, part] of terms.flatMap((term) => [...term])) {
        assert.deepEqual(deltaShape(part), shapes[name]);
      }
    }
    const benign = verdicts?.find(({ status }) => status === "benign");
    const pair = personal.get(benign?.clientId ?? "")?.[0]?.get("fc.weight");
    assert.ok(pair && isLowRank(pair));
  });

  it("leaves all clients their own change of a vector, whatever their status", async () => {
    const updates = roundOf(stream("own"));
    const sent = updates.map((update, k) => (k === 9 ? idle(update) : update));
    const { verdicts, personal } = await aggregate(sent);
    const statuses = ["contaminated", "benign", "inactive"];
    assert.deepEqual([...new Set(verdicts?.map(({ status }) => status))], statuses);
    for (const { clientId, delta } of sent) {
      for (const name of vectors) {
        const own = delta.get(name);
        assert.ok(own);
        assertNear(sumOf(personal?.get(clientId), name), [...toFloat64(own)]);
      }
    }
    // The idle client gets the shared part of the modules that are compared.
    assert.equal(personal?.get("c09")?.[0], personal?.get("c05")?.[1]);
  });

  it("gives all clients the mean of the benign vectors, each clipped to two median norms", async () => {
    const bias = async (weighting: string) => {
      const options = { models: "global", rule: "gap", minBenignFraction: 1, weighting };
      const { change, personal } = await aggregate(biased([1, -1, 1, 3, 16]), options);
      assert.equal(personal, undefined);
      return sumOf(change, "b");
    };
    // The median norm is 1, so 3 and 16 are clipped to 2.
    assertNear(await bias("uniform"), [(1 - 1 + 1 + 2 + 2) / 5]);
    assertNear(await bias("samples"), [(1 - 2 + 3 + 4 * 2 + 5 * 2) / 15]);
  });

  it("excludes contaminated clients from the mean of vectors", async () => {
    const updates = roundOf(stream("out"));
    const { change } = await aggregate(updates, { models: "global" });
    for (const name of vectors) {
      const sent = updates.slice(3).map(({ delta }) => sumOf([delta], name) ?? []);
      const most = 2 * median(sent.map((x) => Math.hypot(...x)));
      const benign = sent.map((x) => x.map((y) => y * Math.min(1, most / Math.hypot(...x))));
      const mean = benign[0]?.map((_, i) => benign.reduce((sum, x) => sum + (x[i] ?? NaN), 0) / 7);
      assertNear(sumOf(change, name), mean);
    }
  });

  it("reports a client as invalid if its vector is not finite, too large, or of another shape", async () => {
    const sent = biased([1, NaN, 1e101, 1, 1, 1]);
    const otherShape = { shape: [2], data: Float64Array.of(1, 1) };
    const updates = sent.map((update, k) =>
      k === 3 ? { ...update, delta: new Map([...update.delta, ["b", otherShape]]) } : update,
    );
    const { verdicts, change } = await aggregate(updates, {
      models: "global",
      rule: "gap",
      minBenignFraction: 1,
    });
    assert.deepEqual(
      verdicts?.map(({ status }) => status),
      ["undecided", "invalid", "invalid", "invalid", "undecided", "undecided"],
    );
    assertNear(sumOf(change, "b"), [1]);
  });

  it("reports a client that changed only vectors as inactive", async () => {
    const updates = roundOf(stream("only"), 0);
    const { verdicts } = await aggregate(updates.map((one, k) => (k === 4 ? idle(one) : one)));
    assert.equal(verdicts?.[4]?.status, "inactive");
  });

  it("does not depend on the order of the clients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom("personal", "global"),
        async (seed, models) => {
          const updates = roundOf(stream(seed));
          const expected = await aggregate(updates, { models });
          const got = await aggregate(stream(seed).at("order").sample(updates), { models }, seed);
          const byId = ({ verdicts }: Aggregation) =>
            Object.fromEntries((verdicts ?? []).map(({ clientId, status }) => [clientId, status]));
          assert.deepEqual(byId(got), byId(expected));
          for (const name of Object.keys(shapes)) {
            assertNear(sumOf(got.change, name), sumOf(expected.change, name));
            for (const id of clientsOf(expected)) {
              assertNear(
                sumOf(got.personal?.get(id), name),
                sumOf(expected.personal?.get(id), name),
              );
            }
          }
        },
      ),
      { numRuns: 8 },
    );
  });

  it("continues from a stored state to the same result", async () => {
    const run = (round: number, state?: ClairState) => {
      const options = clairSchema.parse({ rank: 2, rule: "evidence", window: 3 });
      const updates = roundOf(stream("state").at(round), 2).filter((_, k) => k !== round + 2);
      const input = { round, phase: "train", updates, rng: stream(round) };
      return clairAggregator.create(options as never).aggregate(input, state);
    };
    const first = (await run(1)).state as ClairState;
    const stored = deserialize(serialize(first)) as ClairState;
    assert.deepEqual(await run(2, stored), await run(2, first));
  });

  it("returns the same from several threads", async () => {
    const updates = roundOf(stream("threads"));
    const options = clairSchema.parse({ rule: "gap" });
    const answer = async (threads: number) => {
      const result = await clair(updates, options, { threads });
      const refined = await refine(result, options);
      result.modules.close();
      return { status: result.status, refined };
    };
    assert.deepEqual(await answer(2), await answer(0));
  });

  it("needs a module that it can compare", async () => {
    const updates = biased([1, 2, 3]).map((update) => ({
      ...update,
      delta: new Map([...update.delta].filter(([name]) => name === "b")),
    }));
    await assert.rejects(
      aggregate(updates),
      /module b has shape 1: no module of the task has two axes or more; choose another aggregator/,
    );
  });

  it("keeps matrices of one row or one column as matrices", async () => {
    const updates = [1, 2, 3, 4].map((k) => {
      const own = stream("thin").at(k);
      return updateOf(idOf(k), { row: gaussian(own, 1, 5), column: gaussian(own, 5, 1) });
    });
    const { metrics } = await aggregate(updates, { rank: 1 });
    assert.deepEqual([metrics?.["rank.row"], metrics?.["rank.column"]], [1, 1]);
  });
});

/** A task whose clients learn as in `roundOf`, with float32 params. */
const network: TaskPlugin = {
  name: "network-with-biases",
  summary: "Weights, biases, a convolution and a scale.",
  schema: z.strictObject({}),
  create: (): Task => ({
    start: () => {
      const params = Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)] as const);
      return Promise.resolve({ params: new Map(params) });
    },
    openShard: ({ index }) =>
      Promise.resolve({
        train: ({ round }) => {
          const [sent] = roundOf(stream("trial").at(round)).slice(index);
          return Promise.resolve(sent ?? assert.fail("ten clients"));
        },
      }),
  }),
};

describe("a trial of a network with biases under clair", () => {
  const tasks = new Map([[network.name, network]]);
  const aggregators = new Map([[clairAggregator.name, clairAggregator]]);
  const plugins: Plugins = { ...toyPlugins, tasks, aggregators };
  for (const models of ["personal", "global"]) {
    it(`flags the contaminated clients and keeps the shape and type of every module: ${models}`, async () => {
      const trial = parseTrial(
        `{ name: biases, claim: It goes on., rounds: 2, clients: 10, evaluate: never, task: { name: ${network.name} },` +
          `  aggregator: { name: clair, rank: 2, models: ${models} } }`,
        "trial.yaml",
        plugins,
      );
      const { rounds, state } = await play(trial, plugins);
      assert.equal(rounds.length, 2);
      for (const { record } of rounds) {
        const flagged = record.clients.filter(({ verdict }) => verdict === "contaminated");
        assert.deepEqual(
          flagged.map(({ clientId }) => clientId),
          ["c00", "c01", "c02"],
        );
      }
      assertLike(state.params);
      assert.equal(state.personal.size, models === "personal" ? 10 : 0);
    });
  }
});

/**
 * Asserts that the params have the network's shapes and dtype, and that all of them have changed.
 */
function assertLike(params: Params): void {
  assert.deepEqual([...params.keys()], Object.keys(shapes));
  for (const [name, { shape, data }] of params) {
    assert.deepEqual(shape, shapes[name]);
    assert.ok(data instanceof Float32Array && data.every((x) => x !== 0 && Number.isFinite(x)));
  }
}
