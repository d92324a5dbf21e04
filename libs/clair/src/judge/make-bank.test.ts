import assert from "node:assert/strict";
import { item, Matrix, stream, indices } from "@fedclair/linalg";
import { makeBank, type MeasuredRun } from "./make-bank.js";
import type { ClientMeasures } from "../measures/measures.js";
import { normalEvenness } from "../measures/module-measures.js";

const ids = indices(12).map((k) => `c${k}`);

/** Honest clients that differ by chance; one of them is larger in every round. */
function measureRound(round: number, larger = 0): ClientMeasures {
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
    startsElsewhere: ids.map(() => false),
    isDense: true,
    noise: { shape: 2, outside: 3, cosine: 0.01, numbers: 10_000 },
  };
}

function run(larger: number): MeasuredRun {
  return indices(6).map((round) => ({ ids, measures: measureRound(round, larger) }));
}

const sources = new Map([["one", indices(6).map((round) => measureRound(round))]]);
const options = { name: "a test", sizes: [6, 10, 30], draws: 20 };

describe("makeBank", () => {
  it("has rows for the numbers of clients that the sources have, scores rising as rates fall", async () => {
    const bank = await makeBank(sources, options);
    assert.deepEqual(
      bank.thresholds.map(({ clients }) => clients),
      [6, 10],
    );
    assert.equal(bank.overRounds, undefined);
    for (const { quantiles, federations } of bank.thresholds) {
      const scores = quantiles.map(({ score }) => score);
      assert.deepEqual(
        scores,
        scores.toSorted((x, y) => x - y),
      );
      assert.equal(federations, 20);
    }
  });

  it("has higher rows over rounds where one honest client is always unlike the others", async () => {
    const highest = async (larger: number) => {
      const runs = new Map([["one", [run(larger)]]]);
      const { overRounds = [] } = await makeBank(sources, { ...options, sizes: [12] }, { runs });
      return overRounds[0]?.quantiles.at(-1)?.score ?? NaN;
    };
    const [usual, unlike] = [await highest(0), await highest(0.6)];
    assert.ok(usual < 8 && unlike > 8, `${usual}, ${unlike}`);
  });

  it("takes sampled clients together only, because a few of them rarely meet", async () => {
    const half = run(0).map(({ measures }, round) => ({
      ids: ids.map((id) => (round % 2 === 0 ? id : `other ${id}`)),
      measures,
    }));
    const sizes = [12, 24];
    const { overRounds } = await makeBank(
      sources,
      { ...options, sizes },
      { runs: new Map([["one", [half]]]) },
    );
    assert.deepEqual(
      overRounds?.map(({ clients }) => clients),
      [24],
    );
  });
});
