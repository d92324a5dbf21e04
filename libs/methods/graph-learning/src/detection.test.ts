import assert from "node:assert/strict";
import { Matrix, norm, stream, at, item } from "@fedclair/linalg";
import type { Aggregator, Update } from "@fedclair/core";
import { computeDistanceScores, findGeometricMedian, computeLowRankScores } from "./detection.js";
import { covarianceDistance, covarianceLowRank } from "./detectors.js";
import { packUpper, svec, unpackStrict, unpackUpper, unsvec } from "./packing.js";
import { drawCovariance } from "./signals.js";

/** Creates a client that sent diag(a, b) on two nodes: svec = (a, b, 0). */
function client(id: string, a: number, b: number, numExamples: number): Update {
  const data = Float64Array.of(a, b, 0);
  const modules = new Map([["covariance", { shape: [3, 1], data }]]);
  return { clientId: id, numExamples, delta: modules, metrics: {} };
}

function aggregate(aggregator: Aggregator, updates: readonly Update[]) {
  return aggregator.aggregate({ round: 1, phase: "train", updates, rng: stream("test") });
}

describe("packing", () => {
  it("packs row by row, with and without the diagonal, and unpacks again", () => {
    const c = Matrix.fromRows([
      [1, 2, 3],
      [2, 4, 5],
      [3, 5, 6],
    ]);
    assert.deepEqual([...packUpper(c)], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(unpackUpper([1, 2, 3, 4, 5, 6]), c);
    assert.deepEqual(unpackStrict([7, 8, 9]).toRows(), [
      [0, 7, 8],
      [7, 0, 9],
      [8, 9, 0],
    ]);
    assert.ok(Math.abs(norm(svec(c)) - norm(c.data)) < 1e-14);
    assert.ok(norm(unsvec(svec(c)).data.map((x, i) => x - at(c.data, i))) < 1e-14);
    assert.throws(() => unpackUpper([1, 2, 3, 4]), /4 numbers are no upper triangle/);
  });
});

describe("detection of contaminated covariances", () => {
  it("the geometric median stays where most of the weight is: two clients of three at one point", async () => {
    const reported = (c: number, samples: number) => ({
      vector: Float64Array.of(c, c, 0),
      samples,
    });
    const center = await findGeometricMedian([
      reported(1, 100),
      reported(1, 100),
      reported(5, 100),
    ]);
    assert.ok(norm(center.map((x, i) => x - (i < 2 ? 1 : 0))) < 1e-9);
  });

  it("measures distance in sampling errors √((tr² + ‖C‖²)/n): |5I − I| of √((4 + 2)/150) is 28.28", async () => {
    const updates = [1, 1, 5].map((c) => ({ vector: Float64Array.of(c, c, 0), samples: 150 }));
    const scores = await computeDistanceScores(updates);
    assert.ok(Math.abs(item(scores, 2) - (4 * Math.SQRT2) / Math.sqrt(6 / 150)) < 1e-6);
  });

  it("scores benign Gaussian clients around 1 for any number of samples", async () => {
    const shape = Matrix.fromRows([
      [2, 1, 0],
      [1, 2, 1],
      [0, 1, 2],
    ]);
    const samples = [];
    for (let k = 0; k < 40; k++) {
      const n = k % 2 === 0 ? 100 : 2000;
      const covariance = await drawCovariance(shape, n, stream("benign").at(k));
      samples.push({ vector: svec(covariance), samples: n });
    }
    const distances = await computeDistanceScores(samples);
    const rootMeanSquare = norm(Float64Array.from(distances)) / Math.sqrt(distances.length);
    assert.ok(rootMeanSquare > 0.75 && rootMeanSquare < 1.25, String(rootMeanSquare));
    // The rank-one part follows the clients' own scales, so the residuals are smaller.
    assert.ok((await computeLowRankScores(samples, 1.6)).every((score) => score < 1.6));
  });

  for (const plugin of [covarianceDistance, covarianceLowRank]) {
    it(`${plugin.name}: flags the outlier and averages the others by samples`, async () => {
      const aggregator = plugin.create(plugin.schema.parse({}) as never);
      const updates = [
        client("a", 1, 1, 100),
        client("b", 1.1, 1, 300),
        client("c", 1, 1, 100),
        client("d", 4, -2, 200),
      ];
      const { verdicts = [], change } = await aggregate(aggregator, updates);
      assert.deepEqual(
        verdicts.map(({ status }) => status),
        ["benign", "benign", "benign", "contaminated"],
      );
      assert.ok(verdicts.every(({ score, threshold }) => Number(score) > 0 && threshold !== null));
      const mean = change[0]?.get("covariance");
      assert.ok(mean && "data" in mean);
      assert.ok(Math.abs(item(mean.data, 0) - 1.06) < 1e-12);
    });
  }

  it("reports a client that sent no covariance", async () => {
    const aggregator = covarianceDistance.create(covarianceDistance.schema.parse({}) as never);
    await assert.rejects(
      aggregate(aggregator, [{ ...client("c03", 1, 1, 9), delta: new Map() }]),
      /one dense module, a covariance; client c03/,
    );
  });
});
