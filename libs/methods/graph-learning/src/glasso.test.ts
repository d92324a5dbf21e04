import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Matrix } from "@fedclair/linalg";
import { solveGlasso, toCorrelations, toPartialCorrelations } from "./glasso.js";

const exact = { tolerance: 1e-9, maxIterations: 5000 };

interface Case {
  readonly lambda: number;
  readonly correlations: number[][];
  readonly precision: number[][];
}

describe("graphical lasso", () => {
  it("on two nodes shrinks the correlation by λ", async () => {
    const c = Matrix.fromRows([
      [4, 1],
      [1, 1],
    ]);
    // A correlation of 1/2 less 0.2 is 0.3, and Θ is the inverse of [1, 0.3; 0.3, 1].
    const { precision, gap } = await solveGlasso(toCorrelations(c), 0.2, exact);
    assert.ok(Math.abs(precision.get(0, 0) - 1 / 0.91) < 1e-5 && gap <= 1e-9);
    assert.ok(Math.abs(precision.get(1, 0) + 0.3 / 0.91) < 1e-5);
    assert.ok(Math.abs(toPartialCorrelations(precision).get(0, 1) - 0.3) < 1e-5);
    const none = await solveGlasso(toCorrelations(c), 0.6, exact);
    assert.equal(Math.abs(none.precision.get(0, 1)), 0);
  });

  it("agrees with scikit-learn (testing/glasso.py)", async () => {
    const file = new URL("../../fixtures/glasso.json", import.meta.url);
    const cases = JSON.parse(await readFile(file, "utf8")) as Case[];
    assert.equal(cases.length, 4);
    for (const { lambda, correlations, precision } of cases) {
      const { precision: ours } = await solveGlasso(Matrix.fromRows(correlations), lambda, exact);
      const largest = Math.max(...precision.flat().map(Math.abs));
      ours.toRows().forEach((row, i) => {
        row.forEach((value, j) => {
          const expected = precision[i]?.[j] ?? NaN;
          assert.ok(Math.abs(value - expected) < 1e-4 * largest, `${value} is not ${expected}`);
          assert.equal(Math.abs(value) < 1e-9, Math.abs(expected) < 1e-9, `(${i}, ${j})`);
        });
      });
    }
  });
});
