import assert from "node:assert/strict";
import fc from "fast-check";
import {
  at,
  gramNT,
  addGramTN,
  gramTN,
  Matrix,
  multiply,
  multiplyInto,
  multiplyNT,
  multiplyTN,
} from "./index.js";
import { gaussian } from "../testing/gaussian.js";

/** A·B by definition. */
function plain(a: Matrix, b: Matrix): Matrix {
  const out = new Matrix(a.rows, b.cols);
  for (let j = 0; j < b.cols; j++) {
    for (let i = 0; i < a.rows; i++) {
      let sum = 0;
      for (let l = 0; l < a.cols; l++) sum += a.get(i, l) * b.get(l, j);
      out.data[i + j * a.rows] = sum;
    }
  }
  return out;
}

/**
 * Asserts that every entry is within the rounding error of a sum of `depth` products of standard
 * normals.
 */
function near(actual: Matrix, expected: Matrix, depth: number): void {
  assert.deepEqual([actual.rows, actual.cols], [expected.rows, expected.cols]);
  const tolerance = 1e-15 * (depth + 10);
  actual.data.forEach((x, i) => {
    assert.ok(Math.abs(x - at(expected.data, i)) <= tolerance, `entry ${i}`);
  });
}

const bytes = ({ data }: Matrix) => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

describe("products of any shape", () => {
  it("agree with plain loops on both sides of the crossover to the kernel", () => {
    const extent = fc.oneof(
      fc.constantFrom(0, 1, 3, 4, 5, 8, 15, 16, 17, 31, 33, 66),
      fc.integer({ min: 0, max: 70 }),
    );
    fc.assert(
      fc.property(extent, extent, extent, (m, n, k) => {
        const a = gaussian(m, k, "a");
        const b = gaussian(k, n, "b");
        const expected = plain(a, b);
        near(multiply(a, b), expected, k);
        near(multiplyTN(a.transpose(), b), expected, k);
        near(multiplyNT(a, b.transpose()), expected, k);
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it("agree with plain loops if they do not fit one block of the kernel", () => {
    for (const [m, n, k] of [
      [517, 6, 9],
      [6, 1030, 5],
      [5, 7, 515],
      [515, 514, 4],
      [9, 5, 256],
      [2060, 7, 70],
      [9, 131, 1030],
      [31, 258, 40],
      [40, 33, 258],
      [258, 16, 40],
    ] as const) {
      const a = gaussian(m, k, "a");
      const b = gaussian(k, n, "b");
      near(multiply(a, b), plain(a, b), k);
      near(multiplyTN(a.transpose(), b), plain(a, b), k);
      near(multiplyNT(a, b.transpose()), plain(a, b), k);
    }
  });

  it("return exactly symmetric A·Aᵀ and Aᵀ·A of any size", () => {
    for (const [rows, cols] of [
      [37, 50],
      [130, 3],
      [5, 200],
      [0, 2],
    ] as const) {
      const a = gaussian(rows, cols);
      for (const [gram, whole] of [
        [gramNT(a), plain(a, a.transpose())],
        [gramTN(a), plain(a.transpose(), a)],
      ] as const) {
        near(gram, whole, rows + cols);
        assert.deepEqual(bytes(gram), bytes(gram.transpose()));
      }
    }
  });

  it("compute A·Aᵀ to the same bytes as a product that is not narrow, in one or several blocks of the kernel", () => {
    for (const [rows, cols] of [
      [33, 300],
      [600, 40],
    ] as const) {
      const a = gaussian(rows, cols);
      assert.deepEqual(bytes(gramNT(a)), bytes(multiplyNT(a, a)));
      assert.deepEqual(bytes(gramTN(a.transpose())), bytes(multiplyNT(a, a)));
    }
  });

  it("add Aᵀ·A to existing entries, above and on the diagonal", () => {
    for (const rows of [7, 300]) {
      const [a, before] = [gaussian(rows, 90), gaussian(90, 90, "before")];
      const out = before.copy();
      addGramTN(out, a);
      const gram = gramTN(a);
      for (let j = 0; j < 90; j++) {
        for (let i = 0; i <= j; i++) {
          const expected = before.get(i, j) + gram.get(i, j);
          assert.ok(Math.abs(out.get(i, j) - expected) < 1e-12 * rows, `${i}, ${j}`);
        }
      }
    }
    assert.throws(() => {
      addGramTN(new Matrix(3, 3), gaussian(3, 4));
    }, /^RangeError: out \+ Aᵀ·A: 3×3 and 3×4 do not fit$/);
  });

  it("overwrite a given matrix, which must fit", () => {
    const [a, b] = [gaussian(40, 30, "a"), gaussian(30, 20, "b")];
    const out = gaussian(40, 20, "before");
    multiplyInto(out, a, b);
    assert.deepEqual(out, multiply(a, b));
    assert.throws(() => {
      multiplyInto(new Matrix(20, 40), a, b);
    }, /A·B is 40×20, the place for it 20×40/);
    assert.throws(() => {
      multiplyInto(out, b, a);
    }, /do not fit/);
  });

  it("differ only by rounding between the kernel and the plain code", () => {
    const a = gaussian(8, 16, "a");
    const b = gaussian(16, 8, "b");
    // 8·8·16 is the crossover; with one column less the plain code runs.
    near(multiply(a, b.columns(0, 7)), multiply(a, b).columns(0, 7), 16);
  });
});

describe("products of entries that are not finite", () => {
  for (const [what, size] of [
    ["plain code", 5],
    ["kernel", 33],
  ] as const) {
    it(`affect only their row and column of the result (${what})`, () => {
      for (const value of [NaN, Infinity]) {
        const a = gaussian(size, size, "a");
        a.data[2 + 3 * size] = value;
        const rows = new Set<number>();
        multiply(a, gaussian(size, size, "b")).data.forEach((x, i) => {
          if (!Number.isFinite(x)) rows.add(i % size);
        });
        assert.deepEqual([...rows], [2]);
        const product = multiply(gaussian(size, size, "b"), a);
        const spoilt = Array.from({ length: size }, (_, j) => j).filter(
          (j) => !product.column(j).every(Number.isFinite),
        );
        assert.deepEqual(spoilt, [3]);
      }
    });
  }
});
