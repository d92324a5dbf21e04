import assert from "node:assert/strict";
import fc from "fast-check";
import { Matrix, at, item } from "@fedclair/linalg";
import { vectorToTensor } from "./robust/blocks.js";
import { centeredClipWeights, normClipWeights } from "./robust/clipping.js";
import { geometricMedianWeights } from "./geometric-median/weights.js";
import { selectByBulyan } from "./bulyan/selection.js";
import { sortByScore, computeKrumScores } from "./krum/scores.js";
import { nearestNeighbourMixing } from "./robust/mixing.js";
import { createPointsForManyPasses, createPoints } from "./robust/points.js";
import { computeTrust } from "./fltrust/trust.js";

const pointsOn = (line: readonly number[]) =>
  createPoints([line.map((x) => vectorToTensor(Float64Array.of(x)))]);

/** Squared distances between numbers. */
const squaredOn = (line: readonly number[]) =>
  Matrix.fromRows(line.map((x) => line.map((y) => (x - y) ** 2)));

const along = (line: readonly number[], weights: Float64Array) =>
  line.reduce((total, x, k) => total + x * at(weights, k), 0);

const uniform = (count: number) => new Float64Array(count).fill(1 / count);

describe("geometric median", () => {
  it("is the median on a line and follows the weights", async () => {
    const line = [0, 1, 10];
    const points = await pointsOn(line);
    const center = along(line, await geometricMedianWeights(points, uniform(3)));
    assert.ok(Math.abs(center - 1) < 1e-5);
    const heavy = Float64Array.of(0.2, 0.2, 0.6);
    assert.ok(Math.abs(along(line, await geometricMedianWeights(points, heavy)) - 10) < 1e-5);
  });

  it("balances the directions to all points", async () => {
    const plane = fc.array(
      fc.tuple(
        fc.double({ min: -9, max: 9, noNaN: true }),
        fc.double({ min: -9, max: 9, noNaN: true }),
      ),
      {
        minLength: 3,
        maxLength: 7,
      },
    );
    await fc.assert(
      fc.asyncProperty(plane, async (vectors) => {
        const changes = vectors.map((v) => vectorToTensor(Float64Array.from(v)));
        const weights = uniform(vectors.length);
        const b = await geometricMedianWeights(await createPoints([changes]), weights, 0.5);
        const center = [0, 1].map((i) =>
          along(
            vectors.map((v) => item(v, i)),
            b,
          ),
        );
        // The gradient of the sum of distances, where each distance is smoothed to a quadratic
        // below ν.
        const gradient = [0, 1].map((i) =>
          vectors.reduce((total, v) => {
            const distance = Math.hypot(v[0] - item(center, 0), v[1] - item(center, 1));
            return total + (item(v, i) - item(center, i)) / Math.max(0.5, distance);
          }, 0),
        );
        // Steps shrink slowly where the median is (nearly) not unique.
        assert.ok(
          gradient.every((x) => Math.abs(x) < 1e-4),
          gradient.join(" "),
        );
      }),
      { numRuns: 50 },
    );
  });

  it("gives the same by inner products for points that are far out or close together", async () => {
    const coordinate = fc.double({ min: -9, max: 9, noNaN: true });
    const points = fc.array(fc.array(coordinate, { minLength: 3, maxLength: 3 }), {
      minLength: 2,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(points, fc.nat(1e6), fc.nat(), async (offsets, far, which) => {
        const changes = offsets.map((v) => vectorToTensor(Float64Array.from(v, (x) => far + x)));
        const [cached, plain] = [
          await createPointsForManyPasses([changes]),
          await createPoints([changes]),
        ];
        const at = new Float64Array(changes.length);
        at[which % changes.length] = 1;
        for (const weights of [uniform(changes.length), at]) {
          const [one, other] = [await cached.around(weights), await plain.around(weights)];
          one.distances.forEach((distance, k) => {
            const wanted = item(other.distances, k);
            assert.ok(Math.abs(distance - wanted) <= 1e-9 * wanted, `${distance} for ${wanted}`);
          });
        }
      }),
    );
  });

  it("converges at 0, where nothing is small compared with the median", async () => {
    const b = await geometricMedianWeights(await pointsOn([-2, -1, 1, 2]), uniform(4));
    assert.ok(Math.abs(along([-2, -1, 1, 2], b)) < 1e-9);
  });
});

describe("clipping", () => {
  it("clips norms", () => {
    const norms = Float64Array.of(1, 2, 8);
    assert.deepEqual(
      normClipWeights(norms, Float64Array.of(0.25, 0.25, 0.5), 2),
      Float64Array.of(0.25, 0.25, 0.125),
    );
  });

  it("moves its center step by step: 0, 5/3, 20/9", async () => {
    const line = [1, 1, 100];
    const points = await pointsOn(line);
    for (const [steps, expected] of [
      [1, 5 / 3],
      [2, 20 / 9],
    ] as const) {
      const center = along(line, await centeredClipWeights(points, 3, steps));
      assert.ok(Math.abs(center - expected) < 1e-12);
    }
  });
});

describe("krum", () => {
  it("sums the squared distances to K - f - 2 neighbours, at least one", () => {
    const squared = squaredOn([0, 1, 2, 3, 10]);
    assert.deepEqual(computeKrumScores(squared, 1), [5, 2, 2, 5, 113]);
    assert.deepEqual(computeKrumScores(squared, 4), [1, 1, 1, 1, 49]);
    assert.deepEqual(sortByScore([5, 2, 2, 5, 113]), [1, 2, 0, 3, 4]);
    assert.deepEqual(computeKrumScores(squaredOn([7]), 0), [0]);
  });
});

describe("bulyan", () => {
  it("selects Krum's winners one after another and leaves 2f out", async () => {
    // The last winner is chosen among three clients; two of them are close to each other.
    const selected = await selectByBulyan(squaredOn([0, 50, 1, 2, 3, 5, 4]), 1);
    assert.equal(selected.length, 5);
    assert.ok(!selected.includes(1));
    assert.deepEqual(await selectByBulyan(squaredOn([3, 1, 2]), 0), [0, 1, 2]);
  });

  it("rejects an f above the limit", async () => {
    await assert.rejects(
      () => selectByBulyan(squaredOn([1, 2, 3, 4, 5, 6]), 1),
      /6 clients allow f up to 0, got 1/,
    );
  });
});

describe("nearest-neighbour mixing", () => {
  it("averages each point with its K - f nearest, including itself", () => {
    assert.deepEqual(
      nearestNeighbourMixing(squaredOn([0, 1, 10]), 1)
        .transpose()
        .toRows(),
      [
        [0.5, 0.5, 0],
        [0.5, 0.5, 0],
        [0, 0.5, 0.5],
      ],
    );
  });
});

describe("trust", () => {
  it("weights vectors by their cosine to the root at the root's norm, or 0 if they point away", async () => {
    const vectors = [
      [2, 0],
      [0, 5],
      [3, 4],
      [-1, 0],
      [8, 6],
      [0, 0],
    ].map((v) => vectorToTensor(Float64Array.from(v)));
    const { cosines, weights } = await computeTrust(await createPoints([vectors]), 0);
    // 0.6 and 0.8 over their sum 1.4, at norm 2 instead of 5 and 10.
    const expected = [0, 0, ((0.6 / 1.4) * 2) / 5, 0, ((0.8 / 1.4) * 2) / 10, 0];
    [1, 0, 0.6, -1, 0.8, 0].forEach((cosine, k) => {
      assert.ok(Math.abs(at(cosines, k) - cosine) < 1e-15);
      assert.ok(Math.abs(at(weights, k) - item(expected, k)) < 1e-15);
    });
  });

  it("trusts no client if the root changed nothing", async () => {
    const { weights } = await computeTrust(await pointsOn([0, 1, 2]), 0);
    assert.deepEqual([...weights], [0, 0, 0]);
  });
});
