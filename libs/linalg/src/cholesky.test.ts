import assert from "node:assert/strict";
import {
  cholesky,
  choleskySolve,
  frobenius,
  Matrix,
  multiply,
  multiplyTN,
  solveUpper,
  stream,
  subtract,
} from "./index.js";

const random = (rows: number, cols: number) =>
  new Matrix(
    rows,
    cols,
    stream("cholesky")
      .at(rows, cols)
      .normals(rows * cols),
  );

describe("cholesky", () => {
  it("factors a 2×2 matrix", () => {
    // [4 2; 2 10] = RᵀR with R = [2 1; 0 3]
    const r = cholesky(
      Matrix.fromRows([
        [4, 2],
        [2, 10],
      ]),
    );
    assert.deepEqual(r?.toRows(), [
      [2, 1],
      [0, 3],
    ]);
  });

  it("solves systems and triangles of any size", () => {
    for (const n of [1, 2, 5, 40]) {
      const a = random(n + 3, n);
      const s = multiplyTN(a, a);
      const r = cholesky(s);
      assert.ok(r !== undefined);
      assert.ok(frobenius(subtract(multiplyTN(r, r), s)) < 1e-12 * frobenius(s));
      const x = random(n, 3);
      assert.ok(frobenius(subtract(choleskySolve(r, multiply(s, x)), x)) < 1e-8);
      assert.ok(frobenius(subtract(solveUpper(r, multiply(r, x)), x)) < 1e-8);
    }
  });

  it("rejects shapes that do not fit", () => {
    assert.throws(() => cholesky(random(2, 3)), /expected a square matrix, got 2×3/);
    assert.throws(() => choleskySolve(random(2, 2), random(3, 1)), /2×2 and 3×1 do not fit/);
    assert.throws(() => solveUpper(random(2, 3), random(2, 1)), /2×3 and 2×1 do not fit/);
  });

  it("returns undefined for a matrix that is not positive definite", () => {
    for (const rows of [
      [[0]],
      [[-1]],
      [[NaN]],
      [[Infinity]],
      [
        [1, 2],
        [2, 1],
      ],
      [
        [1, 1],
        [1, 1],
      ],
    ]) {
      assert.equal(cholesky(Matrix.fromRows(rows)), undefined);
    }
  });
});
