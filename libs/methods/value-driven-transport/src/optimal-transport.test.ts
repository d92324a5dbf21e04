import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { Matrix, stream, sum, at } from "@fedclair/linalg";
import { squaredDistances, squaredW2 } from "./metrics.js";
import { optimalTransport } from "./optimal-transport.js";
import { sinkhorn } from "./sinkhorn.js";

function assertNear(got: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${got} is not ${expected} ± ${tolerance}`);
}

function permutations(n: number): number[][] {
  if (n === 0) return [[]];
  return permutations(n - 1).flatMap((p) =>
    Array.from({ length: n }, (_, index) => [...p.slice(0, index), n - 1, ...p.slice(index)]),
  );
}

describe("optimal transport", () => {
  it("moves mass to the nearest places, and splits it", async () => {
    // Two of three units at 0 go to 1. The third, and the unit at 4, go to 3: 2·1 + 1·9 + 1·1.
    const costs = squaredDistances(Matrix.fromRows([[0], [4]]), Matrix.fromRows([[1], [3]]));
    const { cost } = await optimalTransport(costs, [3, 1], [2, 2]);
    assert.equal(cost, 12);
  });

  it("costs as much as the best of all assignments", async () => {
    const rows = permutations(5);
    const entries = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
      minLength: 25,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(entries, async (costs) => {
        const matrix = new Matrix(5, 5, Float64Array.from(costs));
        const best = Math.min(...rows.map((p) => sum(p.map((j, i) => matrix.get(i, j)))));
        const { cost } = await optimalTransport(matrix, [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]);
        assertNear(cost, best, 1e-9);
      }),
      { numRuns: 100 },
    );
  });

  it("is proved optimal by its prices: feasible and of the same value, with any masses", async () => {
    const rng = stream("prices");
    for (const [m, n] of [
      [7, 4],
      [4, 9],
      [30, 30],
    ] as const) {
      const costs = new Matrix(m, n, rng.at("costs", m, n).normals(m * n));
      const supply = rng.at("supply", m, n).dirichlet(m, 0.3);
      const demand = rng.at("demand", m, n).dirichlet(n, 0.3);
      const { cost, rowPrices, colPrices } = await optimalTransport(costs, supply, demand);
      for (let i = 0; i < m; i++) {
        for (let j = 0; j < n; j++) {
          const reduced = costs.get(i, j) - at(rowPrices, i) - at(colPrices, j);
          assert.ok(reduced >= -1e-12, `reduced cost ${reduced}`);
        }
      }
      const dual =
        sum(rowPrices.map((u, i) => u * at(supply, i))) +
        sum(colPrices.map((v, j) => v * at(demand, j)));
      assertNear(cost, dual, 1e-10);
    }
  });

  it("rejects masses and costs that do not fit", async () => {
    const costs = new Matrix(2, 2);
    await assert.rejects(optimalTransport(costs, [1], [1, 1]), /2×2, the masses ask for 1×2/);
    await assert.rejects(
      optimalTransport(costs, [1, 1], [1, 2]),
      /equal total masses, got 2 and 3/,
    );
    await assert.rejects(optimalTransport(costs, [1, -1], [0, 0]), /at least 0/);
    const infinite = new Matrix(1, 1, Float64Array.of(Infinity));
    await assert.rejects(optimalTransport(infinite, [1], [1]), /finite costs/);
  });
});

interface Case {
  readonly x: number[][];
  readonly y: number[][];
  readonly w2_squared: number;
  readonly entropy: number;
  readonly plan: number[][];
}

describe("transport by POT (testing/transport.py)", () => {
  it("costs as much, and has the same entropic plan", async () => {
    const file = new URL("../../fixtures/transport.json", import.meta.url);
    const cases = JSON.parse(await readFile(file, "utf8")) as Case[];
    assert.equal(cases.length, 3);
    for (const { x, y, entropy, ...expected } of cases) {
      const [from, to] = [Matrix.fromRows(x), Matrix.fromRows(y)];
      assertNear(await squaredW2(from, to), expected.w2_squared, 1e-9);
      const plan = sinkhorn(squaredDistances(from, to), entropy);
      plan.toRows().forEach((row, i) => {
        row.forEach((mass, j) => {
          assertNear(mass, expected.plan[i]?.[j] ?? NaN, 1e-6);
        });
      });
    }
  });
});
