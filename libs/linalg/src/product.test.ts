import assert from "node:assert/strict";
import fc from "fast-check";
import {
  at,
  gramNT,
  gramTN,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  setThreads,
} from "./index.js";
import { gaussian } from "../testing/gaussian.js";

/** A·B by the definition. */
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

/** Every entry within the rounding of a sum of `depth` terms of standard normals' products. */
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

  it("agree with plain loops where they do not fit one block of the kernel", () => {
    for (const [m, n, k] of [
      [517, 6, 9],
      [6, 1030, 5],
      [5, 7, 515],
      [515, 514, 4],
      [9, 5, 256],
    ] as const) {
      const a = gaussian(m, k, "a");
      const b = gaussian(k, n, "b");
      near(multiply(a, b), plain(a, b), k);
      near(multiplyTN(a.transpose(), b), plain(a, b), k);
    }
  });

  it("give A·Aᵀ and Aᵀ·A exactly symmetric, of any size", () => {
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

  it("differ by rounding only between the kernel and the plain code", () => {
    const a = gaussian(16, 16, "a");
    const b = gaussian(16, 16, "b");
    // 16·16·16 is the crossover: one column less, and the plain code works.
    near(multiply(a, b.columns(0, 15)), multiply(a, b).columns(0, 15), 16);
  });
});

describe("products of entries that are not finite", () => {
  for (const [what, size] of [
    ["plain code", 5],
    ["kernel", 33],
  ] as const) {
    it(`spoil their row and column of the result only (${what})`, () => {
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

describe("setThreads", () => {
  after(() => setThreads(1));

  it("leaves every byte of a product as it is", async () => {
    const pairs = [
      [517, 258, 300],
      [256, 260, 128],
      [130, 128, 131],
    ].map(([m = 0, n = 0, k = 0]) => [gaussian(m, k, "a"), gaussian(k, n, "b")] as const);
    const alone = pairs.map(([a, b]) => multiply(a, b));
    for (const count of [2, 3, 1]) {
      await setThreads(count);
      pairs.forEach(([a, b], i) => {
        const expected = alone[i];
        assert.ok(expected !== undefined && bytes(multiply(a, b)).equals(bytes(expected)));
      });
    }
  });

  it("works on when two calls overlap", async () => {
    await Promise.all([setThreads(2), setThreads(3)]);
    const a = gaussian(150, 150);
    near(multiply(a, a), plain(a, a), 150);
  });

  it("refuses a number that is not a count", async () => {
    for (const count of [0, -1, 1.5, NaN]) {
      await assert.rejects(setThreads(count), /expected a positive number of threads, got/);
    }
  });
});
