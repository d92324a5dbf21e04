import assert from "node:assert/strict";
import { item, Matrix, stream, indices } from "@fedclair/linalg";
import { makeBank, type MeasuredRun } from "./make-bank.js";
import { findThresholds } from "./bank.js";
import { scoreClients } from "./score.js";
import type { ClientMeasures } from "../measures/measures.js";
import { normalEvenness } from "../measures/module-measures.js";

const ids = indices(12).map((k) => `c${k}`);

/** Honest clients that differ by chance; one of them is larger in every round. */
function measureRound(round: number, larger = 0, count = 12): ClientMeasures {
  const ids = indices(count);
  const rng = stream("honest").at(round);
  const normal = (middle: number, spread: number) =>
    Float64Array.from(ids, () => middle + spread * rng.normal());
  const cosines = new Matrix(ids.length, ids.length);
  cosines.data.fill(0.5);
  indices(ids.length).forEach((k) => (cosines.data[k * (ids.length + 1)] = 1));
  const size = normal(0, 0.1);
  size[0] = item([...size], 0) + larger;
  return {
    cosines,
    size,
    shape: normal(0, 0.1),
    evenness: normal(normalEvenness, 0.01),
    outside: normal(1, 0.1),
    groups: indices(ids.length),
    startsElsewhere: ids.map(() => false),
    isDense: true,
    noise: { shape: 2, outside: 3, cosine: 0.01, numbers: 10_000 },
  };
}

function run(larger: number): MeasuredRun {
  return indices(6).map((round) => ({ ids, measures: measureRound(round, larger) }));
}

const name = "a test";

/** Kinds of federations of some clients each; of some kinds, the clients differ more. */
function makeKinds(counts: readonly number[], clients = 12): Map<string, ClientMeasures[]> {
  return new Map(
    counts.map((count, kind) => {
      const larger = kind % 3 === 0 ? 0.1 * kind : 0;
      const own = indices(count).map((i) => measureRound(100 * kind + i, larger, clients));
      return [`kind ${kind}`, own];
    }),
  );
}

describe("makeBank", () => {
  it("has rows for the numbers of clients that the sources have, scores rising as rates fall", async () => {
    const bank = await makeBank(makeKinds([6, 1, 1]), { name, sizes: [6, 10, 30] });
    assert.deepEqual(
      bank.thresholds.map(({ clients }) => clients),
      [6, 10],
    );
    assert.equal(bank.overRounds, undefined);
    for (const { quantiles } of bank.thresholds) {
      const scores = quantiles.map(({ score }) => score);
      assert.deepEqual(
        scores,
        scores.toSorted((x, y) => x - y),
      );
    }
  });

  it("counts sets that share no client, and promises a rate for one kind more", async () => {
    const rowOf = async (counts: readonly number[], clients: number, size: number) => {
      const { thresholds } = await makeBank(makeKinds(counts, clients), { name, sizes: [size] });
      const [row] = thresholds;
      return [row?.federations, ...(row?.quantiles ?? []).map(({ rate }) => rate)];
    };
    assert.deepEqual(await rowOf([1], 40, 20), [2, 0.5]);
    assert.deepEqual(await rowOf([1], 14, 14), [1, 0.5]);
    assert.deepEqual(await rowOf([1], 14, 12), [1, 0.5]);
    assert.deepEqual(await rowOf([6, 1, 1], 12, 6), [16, 0.5, 0.3, 0.25]);
    // 1/20 is a usual rate, and 1/23 is rounded up.
    const rates = [0.5, 0.3, 0.2, 0.1];
    assert.deepEqual(await rowOf(new Array(19).fill(1), 12, 12), [19, ...rates, 0.05]);
    assert.deepEqual(await rowOf(new Array(22).fill(2), 12, 12), [44, ...rates, 0.05, 0.0435]);
  });

  it("uses the smallest federations that are large enough", async () => {
    const own = [measureRound(1, 0, 40), measureRound(2, 0, 14), measureRound(3, 0, 14)];
    const { thresholds } = await makeBank(new Map([["one", own]]), { name, sizes: [12, 14, 20] });
    const counts = thresholds.map(({ clients, federations }) => [clients, federations]);
    assert.deepEqual(counts, [
      [12, 2],
      [14, 2],
      [20, 2],
    ]);
  });

  it("keeps its promise for each kind that it was made without", async () => {
    const kinds = makeKinds(new Array(20).fill(2));
    const { spreads } = await makeBank(kinds, { name, sizes: [12] });
    const exceeded = { 0.3: 0, 0.2: 0, 0.05: 0 };
    for (const [kind, own] of kinds) {
      const others = new Map([...kinds].filter(([other]) => other !== kind));
      const bank = await makeBank(others, { name, sizes: [12], spreads });
      for (const rate of [0.3, 0.2, 0.05] as const) {
        for (const measures of own) {
          const scored = scoreClients(measures, spreads);
          const { upper, rate: promised } = findThresholds(bank, scored, rate);
          assert.equal(promised, rate);
          if (Math.max(...scored.scores) > upper) exceeded[rate] += 1 / own.length;
        }
      }
    }
    // Of exchangeable kinds, at most this share exceeds the thresholds of the others.
    for (const [rate, count] of Object.entries(exceeded)) {
      assert.ok(count <= Number(rate) * kinds.size + 1e-9, `${rate}: ${count} of ${kinds.size}`);
    }
    assert.ok(exceeded[0.3] >= 4, `${exceeded[0.3]}`);
    assert.ok(exceeded[0.05] > 0);
  });

  const sources = makeKinds([6]);

  it("has higher rows over rounds where one honest client is always unlike the others", async () => {
    const highest = async (larger: number) => {
      const runs = new Map([["one", [run(larger)]]]);
      const { overRounds = [] } = await makeBank(sources, { name, sizes: [12] }, { runs });
      return overRounds[0]?.quantiles.at(-1)?.score ?? NaN;
    };
    const [usual, unlike] = [await highest(0), await highest(0.6)];
    assert.ok(usual < 5 && unlike > 7, `${usual}, ${unlike}`);
  });

  it("has rows of their own for pairs over rounds, with how far clients are apart", async () => {
    const pairs = run(0.6).map(({ measures, ...round }) => ({
      ...round,
      measures: { ...measures, isDense: false },
    }));
    const runs = new Map([
      ["dense", [run(0)]],
      ["pairs", [pairs]],
    ]);
    const bank = await makeBank(sources, { name, sizes: [12] }, { runs });
    const { overRounds = [], apartOverRounds = [] } = bank;
    assert.deepEqual(
      [overRounds, apartOverRounds].map((rows) => rows.map((row) => row.pairs)),
      [[undefined, true], [true]],
    );
    assert.ok((apartOverRounds[0]?.quantiles.at(-1)?.gap ?? 0) > 2);
  });

  it("refuses scores that are no numbers", async () => {
    const [first, ...others] = sources.get("kind 0") ?? assert.fail("no kind");
    assert.ok(first);
    const size = first.size.map((x, k) => (k === 0 ? NaN : x));
    const broken = new Map([["one", [{ ...first, size }, ...others]]]);
    await assert.rejects(makeBank(broken, { name, sizes: [12] }), /a client has the score NaN/);
  });

  it("takes sampled clients together only, because a few of them rarely meet", async () => {
    const half = run(0).map(({ measures }, round) => ({
      ids: ids.map((id) => (round % 2 === 0 ? id : `other ${id}`)),
      measures,
    }));
    const sizes = [12, 24];
    const { overRounds } = await makeBank(
      sources,
      { name, sizes },
      { runs: new Map([["one", [half]]]) },
    );
    assert.deepEqual(
      overRounds?.map(({ clients }) => clients),
      [24],
    );
  });
});
