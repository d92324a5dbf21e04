import assert from "node:assert/strict";
import fc from "fast-check";
import {
  at,
  cholesky,
  choleskySolve,
  frobenius,
  gramNT,
  hstack,
  leadingEigenvectors,
  leadingLeft,
  leadingSpace,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  norm,
  stream,
  subtract,
  symmetricEigen,
  thinQr,
  thinSvd,
} from "./index.js";
import { safeNorm } from "./scale-range.js";
import { gaussian } from "../testing/gaussian.js";
import {
  assertDescending,
  assertOrthonormal,
  assertProduct,
  exponentOf,
  hardMatrices,
  hardSymmetric,
  scaleMatrixByPowerOfTwo,
  scaleColumns,
  scaleByPowerOfTwo,
} from "../testing/hard.js";

/** Decompositions of matrices whose columns vanish, repeat, are denormal, or differ by 1e400. */

const runs = { numRuns: 300, seed: 1 };

const shuffledColumns = (a: Matrix) => {
  const out = new Matrix(a.rows, a.cols);
  const order = stream("shuffle").sample(Array.from({ length: a.cols }, (_, j) => j));
  order.forEach((from, to) => {
    out.column(to).set(a.column(from));
  });
  return out;
};
const shuffledRows = (a: Matrix) => shuffledColumns(a.transpose()).transpose();

const assertClose = (actual: Float64Array, expected: Float64Array, tolerance: number) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((x, i) => {
    const gap = Math.abs(x - at(expected, i));
    assert.ok(gap <= tolerance, `value ${i} is ${x}, not ${at(expected, i)}`);
  });
};

describe("thinQr of hard matrices", () => {
  it("is orthonormal times triangular, with each column accurate to its own rounding", () => {
    fc.assert(
      fc.property(hardMatrices, (a) => {
        const { q, r } = thinQr(a);
        assertOrthonormal(q);
        for (let j = 0; j < a.cols; j++) {
          const column = a.columns(j, j + 1);
          const exponent = exponentOf(column.data);
          const image = multiply(q, scaleMatrixByPowerOfTwo(r.columns(j, j + 1), -exponent));
          assertProduct(image, column, exponent);
          assert.ok(r.column(j).every((x, i) => i <= j || x === 0));
        }
      }),
      runs,
    );
  });
});

describe("numbers near the largest", () => {
  it("do not overflow in a QR or in eigenvalues", () => {
    const x = 1.2e308;
    const a = Matrix.fromRows([
      [x, x],
      [x, -x],
    ]);
    const { r } = thinQr(a);
    assertClose(r.data.map(Math.abs), Float64Array.of(x * Math.SQRT2, 0, 0, x * Math.SQRT2), 1e293);
    assertClose(symmetricEigen(a).values, Float64Array.of(x * Math.SQRT2, -x * Math.SQRT2), 1e293);
  });
});

describe("thinSvd of hard matrices", () => {
  it("is U·diag(s)·Vᵀ with orthonormal factors and descending, non-negative s", () => {
    fc.assert(
      fc.property(hardMatrices, (a) => {
        const { u, s, v } = thinSvd(a);
        assertOrthonormal(u);
        assertOrthonormal(v);
        assertDescending(s);
        assert.ok(s.every((x) => x >= 0));
        const exponent = exponentOf(a.data);
        assertProduct(multiplyNT(scaleColumns(u, scaleByPowerOfTwo(s, -exponent)), v), a, exponent);
      }),
      runs,
    );
  });

  it("has the singular values of the other columns, and zero, if a column is zero", () => {
    for (let n = 5; n <= 10; n++) {
      for (const m of [n, n + 4]) {
        const a = gaussian(m, n);
        for (let j = 0; j < n; j++) {
          const others = hstack([a.columns(0, j), a.columns(j + 1, n)]);
          const zeroed = hstack([a.columns(0, j), new Matrix(m, 1), a.columns(j + 1, n)]);
          const expected = Float64Array.of(...thinSvd(others).s, 0);
          assertClose(thinSvd(zeroed).s, expected, 1e-14);
          assertClose(thinSvd(zeroed.transpose()).s, expected, 1e-14);
        }
      }
    }
  });

  it("has the same singular values in any order of rows and columns", () => {
    fc.assert(
      fc.property(hardMatrices, (a) => {
        const { s } = thinSvd(a);
        const tolerance = (10 + s.length) * (Number.EPSILON * (s[0] ?? 0) + 2 ** -1074);
        for (const other of [shuffledColumns(a), shuffledRows(a), a.transpose()]) {
          assertClose(thinSvd(other).s, s, tolerance);
        }
      }),
      runs,
    );
  });

  it("finds every digit of the singular values of orthogonal columns from 1e-200 to 1e200", () => {
    const exponents = fc.array(fc.integer({ min: -200, max: 200 }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(exponents, fc.integer({ min: -3, max: 3 }), (powers, more) => {
        const lengths = Float64Array.from(powers, (power) => 10 ** power);
        const { q } = thinQr(gaussian(lengths.length + Math.abs(more), lengths.length));
        const a = scaleColumns(q, lengths);
        const { s } = thinSvd(more < 0 ? a.transpose() : a);
        lengths.sort().reverse();
        s.forEach((x, i) => {
          const expected = at(lengths, i);
          assert.ok(Math.abs(x / expected - 1) < 1e-13, `${x} is not ${expected}`);
        });
      }),
      runs,
    );
  });

  it("separates a long column from short, almost parallel ones, down to 1e-300 of its length", () => {
    // Apart from the long column, of length 1, the short ones are t·[1 1; 0 1e-3], whose singular
    // values have the product t²·1e-3 and the sum of squares t²·2.000001.
    const larger = Math.sqrt((2.000001 + Math.sqrt(2.000001 ** 2 - 4e-6)) / 2);
    for (const t of [1e-100, 1e-200, 1e-300]) {
      const a = Matrix.fromRows([
        [1, t, t],
        [0, t, t],
        [0, 0, 1e-3 * t],
      ]);
      const { q } = thinQr(gaussian(5, 3));
      for (const [first, second, third] of [
        [0, 1, 2],
        [1, 0, 2],
        [2, 1, 0],
      ] as const) {
        const columns = [first, second, third].map((j) => a.columns(j, j + 1));
        const { s } = thinSvd(multiply(q, hstack(columns)));
        const expected = Float64Array.of(1, t * larger, t * (1e-3 / larger));
        const relative = s.map((x, i) => x / at(expected, i));
        assertClose(relative, Float64Array.of(1, 1, 1), 1e-12);
      }
    }
  });
});

describe("symmetricEigen of hard matrices", () => {
  it("is V·diag(values)·Vᵀ with orthonormal V and descending values", () => {
    fc.assert(
      fc.property(hardSymmetric, (s) => {
        const { values, vectors } = symmetricEigen(s);
        assertOrthonormal(vectors);
        assertDescending(values);
        const exponent = exponentOf(s.data);
        const scaled = scaleColumns(vectors, scaleByPowerOfTwo(values, -exponent));
        assertProduct(multiplyNT(scaled, vectors), s, exponent);
        const largest = values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
        const tolerance = (10 + s.rows) * (Number.EPSILON * largest + 2 ** -1074);
        assertClose(symmetricEigen(shuffledRows(shuffledColumns(s))).values, values, tolerance);
      }),
      runs,
    );
  });
});

describe("leading spaces of hard matrices", () => {
  it("are orthonormal eigenvectors, even if many eigenvalues vanish", () => {
    fc.assert(
      fc.property(hardSymmetric, fc.nat(), (s, draw) => {
        const count = draw % (s.rows + 1);
        const x = leadingEigenvectors(s, count);
        assertOrthonormal(x);
        const exponent = exponentOf(s.data);
        const unit = scaleMatrixByPowerOfTwo(s, -exponent);
        const values = symmetricEigen(unit).values.subarray(0, count);
        const residual = frobenius(subtract(multiply(unit, x), scaleColumns(x, values)));
        assert.ok(residual <= 1e-14 * (10 + s.rows) * frobenius(unit), `residual ${residual}`);
      }),
      runs,
    );
  });

  it("contain as much of a stack as the leading singular vectors", () => {
    fc.assert(
      fc.property(hardMatrices, fc.nat(), (z, draw) => {
        const rank = draw % (z.rows + 1);
        const x = leadingLeft([z], rank);
        assertOrthonormal(x);
        const unit = scaleMatrixByPowerOfTwo(z, -exponentOf(z.data));
        const most = norm(thinSvd(unit).s.subarray(0, rank));
        assert.ok(frobenius(multiplyTN(x, unit)) >= most * (1 - 1e-12));
      }),
      runs,
    );
  });

  it("of an operator are identical to the bit for any scale", () => {
    const extents = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(extents, extents, fc.nat(), (n, rank, draw) => {
        const count = draw % (n + 1);
        const gram = gramNT(gaussian(n, rank, draw));
        const found = (size: number) => {
          const apply = (x: Matrix) => multiply(gram, x).scale(size);
          return leadingSpace(apply, gram.columns(0, 0), count, { restarts: 2 });
        };
        const expected = found(1);
        assertOrthonormal(expected.basis);
        for (const size of [2 ** -600, 2 ** 600]) assert.deepEqual(found(size), expected);
      }),
      runs,
    );
  });
});

describe("cholesky of badly scaled matrices", () => {
  it("rebuilds every entry of D·(BᵀB + I)·D, D from 1e-150 to 1e150, and solves with it", () => {
    const powers = fc.array(fc.integer({ min: -150, max: 150 }), { maxLength: 12 });
    fc.assert(
      fc.property(powers, fc.nat(), (exponents, seed) => {
        const n = exponents.length;
        const scales = Float64Array.from(exponents, (power) => 2 ** Math.round(power / 0.302));
        const b = gaussian(n + 1, n, seed);
        const core = multiplyTN(b, b);
        for (let i = 0; i < n; i++) core.data[i * (n + 1)] = core.get(i, i) + 1;
        const scaleRows = (x: Matrix) => scaleColumns(x.transpose(), scales).transpose();
        const r = cholesky(scaleRows(scaleColumns(core, scales)));
        const plain = cholesky(core);
        assert.ok(r !== undefined && plain !== undefined);
        // Powers of two do not change any digit.
        assert.deepEqual(r, scaleColumns(plain, scales));
        const x = gaussian(n, 2, "x");
        const found = scaleRows(choleskySolve(r, scaleRows(multiply(core, x))));
        assert.ok(frobenius(subtract(found, x)) <= 1e-9 * frobenius(x));
      }),
      runs,
    );
  });
});

describe("safeNorm", () => {
  it("scales with the numbers, whatever their size", () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: -1000, max: 1000 }), (seed, exponent) => {
        const x = gaussian(5, 1, seed).data;
        assert.equal(safeNorm(scaleByPowerOfTwo(x, exponent)), norm(x) * 2 ** exponent);
      }),
      runs,
    );
    assert.equal(safeNorm(Float64Array.of()), 0);
    assert.equal(safeNorm(Float64Array.of(3e-320, 4e-320)), 5e-320);
  });
});

describe("entries that are not finite", () => {
  it("are found at any position", () => {
    fc.assert(
      fc.property(hardMatrices, fc.nat(), fc.constantFrom(NaN, Infinity), (a, draw, value) => {
        fc.pre(a.data.length > 0);
        a.data[draw % a.data.length] = value;
        assert.throws(() => thinQr(a), /expected finite numbers/);
        assert.throws(() => thinSvd(a), /expected finite numbers/);
      }),
      runs,
    );
  });

  it("are reported by every decomposition", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const n of [3, 40]) {
        const a = gaussian(n, n);
        a.data[n + 2] = value;
        const message = new RegExp(`entry \\(2, 1\\) of the ${n}×${n} matrix is ${value}`);
        for (const decompose of [
          () => thinQr(a),
          () => thinSvd(a),
          () => symmetricEigen(a),
          () => leadingEigenvectors(a, 1),
          () => leadingLeft([a], 1),
        ]) {
          assert.throws(decompose, message);
        }
        const operator = (x: Matrix) => multiply(a, x);
        assert.throws(
          () => leadingSpace(operator, a.columns(0, 0), 1, { restarts: 1 }),
          RangeError,
        );
        a.data[n + 1] = value;
        assert.equal(cholesky(a), undefined);
      }
    }
  });
});
