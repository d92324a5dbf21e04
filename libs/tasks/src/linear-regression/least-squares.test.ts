import assert from "node:assert/strict";
import fc from "fast-check";
import { item } from "@fedclair/linalg";
import { LeastSquares } from "./least-squares.js";

function fit(xs: number[][], ys: number[][]): number[] {
  const problem = new LeastSquares(xs[0]?.length ?? 0, ys[0]?.length ?? 0);
  xs.forEach((x, i) => {
    problem.add(x, ys[i] ?? []);
  });
  return [...problem.solve()];
}

describe("least squares", () => {
  it("fits three points by a line: 0.5 + 2.5x for (0, 0), (1, 4), (2, 5)", () => {
    const [intercept, slope] = fit(
      [
        [1, 0],
        [1, 1],
        [1, 2],
      ],
      [[0], [4], [5]],
    );
    assert.ok(Math.abs((intercept ?? NaN) - 0.5) < 1e-14);
    assert.ok(Math.abs((slope ?? NaN) - 2.5) < 1e-14);
  });

  it("shrinks the weights with a ridge: 2·(3 - w)² + w² is smallest at 2", () => {
    const problem = new LeastSquares(1, 1);
    for (let i = 0; i < 2; i++) problem.add([1], [3]);
    assert.ok(Math.abs(item(problem.solve(1), 0) - 2) < 1e-14);
    assert.ok(Math.abs(item(problem.solve(), 0) - 3) < 1e-14);
  });

  it("solves a square system with several outputs exactly", () => {
    // [2 0; 1 1]·W = [2 4; 4 7] has W = [1 2; 3 5].
    const weights = fit(
      [
        [2, 0],
        [1, 1],
      ],
      [
        [2, 4],
        [4, 7],
      ],
    );
    [1, 2, 3, 5].forEach((expected, i) => {
      assert.ok(Math.abs(item(weights, i) - expected) < 1e-14);
    });
  });

  it("leaves residuals orthogonal to every input", () => {
    const number = fc.integer({ min: -9, max: 9 });
    const rows = fc.array(fc.tuple(number, number, number), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(rows, (samples) => {
        // The two unit vectors ensure that the inputs span both dimensions.
        const xs = [[1, 0], [0, 1], ...samples.map(([a, b]) => [a, b])];
        const ys = [[0], [0], ...samples.map(([, , y]) => [y])];
        const [w0 = NaN, w1 = NaN] = fit(xs, ys);
        for (const column of [0, 1]) {
          const overlap = xs.reduce((sum, x, i) => {
            const residual = item(item(ys, i), 0) - item(x, 0) * w0 - item(x, 1) * w1;
            return sum + item(x, column) * residual;
          }, 0);
          assert.ok(Math.abs(overlap) < 1e-9);
        }
      }),
    );
  });

  it("rejects samples that do not determine the weights", () => {
    const xs = [
      [1, 3],
      [0.1, 0.3],
    ];
    assert.throws(() => fit(xs, [[1], [1]]), /do not span 2 dimensions; add samples/);
  });
});
