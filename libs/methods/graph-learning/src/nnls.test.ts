import assert from "node:assert/strict";
import fc from "fast-check";
import { Matrix, at } from "@fedclair/linalg";
import { nnls } from "./nnls.js";
import { dotProduct, subtractVectors } from "./vectors.js";

describe("non-negative least squares", () => {
  it("equals least squares if that is not negative: [1 0; 1 1]·x = [2; 5] has x = [2; 3]", async () => {
    const a = Matrix.fromRows([
      [1, 0],
      [1, 1],
    ]);
    const [first = NaN, second = NaN] = await nnls(a, Float64Array.of(2, 5));
    assert.ok(Math.abs(first - 2) < 1e-14 && Math.abs(second - 3) < 1e-14);
  });

  it("drops entries that would be negative: [1 0; 1 1]·x = [2; 1] leaves x = [1.5; 0]", async () => {
    const a = Matrix.fromRows([
      [1, 0],
      [1, 1],
    ]);
    const x = await nnls(a, Float64Array.of(2, 1));
    assert.ok(Math.abs(at(x, 0) - 1.5) < 1e-14);
    assert.equal(x[1], 0);
  });

  it("fulfils the optimality conditions, even with dependent columns", async () => {
    const entry = fc.integer({ min: -3, max: 3 });
    const problem = fc.record({
      columns: fc.array(fc.array(entry, { minLength: 4, maxLength: 4 }), {
        minLength: 1,
        maxLength: 7,
      }),
      b: fc.array(entry, { minLength: 4, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(problem, async ({ columns, b }) => {
        const a = new Matrix(4, columns.length, Float64Array.from(columns.flat()));
        const x = await nnls(a, Float64Array.from(b));
        const fitted = new Float64Array(4);
        x.forEach((value, j) => {
          a.column(j).forEach((entry, i) => {
            fitted[i] = at(fitted, i) + value * entry;
          });
        });
        const residual = subtractVectors(Float64Array.from(b), fitted);
        x.forEach((value, j) => {
          const slope = dotProduct(a.column(j), residual);
          assert.ok(value >= 0 && slope <= 1e-9);
          if (value > 0) assert.ok(Math.abs(slope) <= 1e-9);
        });
      }),
    );
  });
});
