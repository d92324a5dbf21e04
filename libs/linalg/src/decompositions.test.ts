import assert from "node:assert/strict";
import fc from "fast-check";
import {
  at,
  frobenius,
  gramNT,
  item,
  leadingEigenvectors,
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  stream,
  subtract,
  symmetricEigen,
  rowTriangle,
  thinQr,
  thinSvd,
} from "./index.js";
import { gaussian } from "../testing/gaussian.js";

/** Decompositions of matrices that span several panels, and their accuracy. */

const close = (actual: Matrix, expected: Matrix) => {
  const error = frobenius(subtract(actual, expected)) / (frobenius(expected) || 1);
  assert.ok(error <= 1e-12, `relative error ${error}`);
};

const orthonormal = (q: Matrix) => {
  close(multiplyTN(q, q), Matrix.identity(q.cols));
};

/** A matrix with column j multiplied by values[j]. */
const scaleColumns = (a: Matrix, values: ArrayLike<number>) => {
  const out = a.copy();
  for (let j = 0; j < a.cols; j++) {
    out.column(j).forEach((x, i, column) => (column[i] = x * item(values, j)));
  }
  return out;
};

const withSpectrum = (values: ArrayLike<number>) => {
  const { q } = thinQr(gaussian(values.length, values.length, "basis"));
  return multiplyNT(scaleColumns(q, values), q);
};

const shapes = fc.tuple(
  fc.constantFrom(0, 1, 2, 3, 31, 32, 33, 64, 65, 70),
  fc.constantFrom(0, 1, 2, 3, 31, 32, 33, 64, 65, 70),
);
const runs = { numRuns: 60, seed: 1 };

describe("decompositions of several panels", () => {
  it("QR of any shape", () => {
    fc.assert(
      fc.property(shapes, ([m, n]) => {
        const a = gaussian(m, n);
        const { q, r } = thinQr(a);
        orthonormal(q);
        close(multiply(q, r), a);
        for (let j = 0; j < r.cols; j++) assert.ok(r.column(j).every((x, i) => i <= j || x === 0));
      }),
      runs,
    );
  });

  it("the triangle of QR alone, to the bit", () => {
    fc.assert(
      fc.property(shapes, fc.constantFrom(1, 1e300, 1e-300), ([m, n], scale) => {
        const a = gaussian(m, n).scale(scale);
        assert.deepEqual(rowTriangle(a.transpose()), thinQr(a).r);
      }),
      runs,
    );
  });

  it("QR of a rank-deficient matrix", () => {
    const a = multiply(gaussian(120, 5), gaussian(5, 80));
    const { q, r } = thinQr(a);
    orthonormal(q);
    close(multiply(q, r), a);
  });

  it("SVD of any shape", () => {
    fc.assert(
      fc.property(shapes, ([m, n]) => {
        const a = gaussian(m, n);
        const { u, s, v } = thinSvd(a);
        orthonormal(u);
        orthonormal(v);
        close(multiplyNT(scaleColumns(u, s), v), a);
        assert.ok(s.every((x, i) => x >= 0 && x <= (s[i - 1] ?? Infinity)));
      }),
      runs,
    );
  });

  it("symmetric eigen of any size", () => {
    for (const n of [1, 2, 7, 31, 32, 33, 34, 64, 65, 97]) {
      const s = withSpectrum(Float64Array.from({ length: n }, (_, i) => Math.cos(i) * 10));
      const { values, vectors } = symmetricEigen(s);
      orthonormal(vectors);
      close(multiplyNT(scaleColumns(vectors, values), vectors), s);
    }
  });
});

describe("accuracy", () => {
  it("finds the eigenvalues of the second difference, 2 - 2·cos(kπ/(n + 1))", () => {
    const n = 150;
    const s = new Matrix(n, n);
    for (let i = 0; i < n; i++) {
      s.data[i * (n + 1)] = 2;
      if (i + 1 < n) s.data[i * (n + 1) + 1] = s.data[(i + 1) * (n + 1) - 1] = -1;
    }
    symmetricEigen(s).values.forEach((x, i) => {
      const expected = 2 - 2 * Math.cos(((n - i) * Math.PI) / (n + 1));
      assert.ok(Math.abs(x - expected) < 1e-13, `eigenvalue ${i}: ${x} is not ${expected}`);
    });
  });

  it("finds a spectrum with clusters, zeros and both signs", () => {
    const expected = Float64Array.from({ length: 100 }, (_, i) =>
      item([5, 5 + 1e-10, 0, -2], i % 4),
    );
    const { values, vectors } = symmetricEigen(withSpectrum(expected));
    orthonormal(vectors);
    expected.sort().reverse();
    values.forEach((x, i) => {
      assert.ok(Math.abs(x - at(expected, i)) < 1e-12, `eigenvalue ${i}`);
    });
  });

  it("spans the leading eigenvectors of a spectrum with a gap", () => {
    const values = Float64Array.from({ length: 90 }, (_, i) => (i < 6 ? 10 - i : 1 / i));
    const leading = leadingEigenvectors(withSpectrum(values), 6);
    const { q } = thinQr(gaussian(90, 90, "basis"));
    close(gramNT(leading), gramNT(q.columns(0, 6)));
  });

  it("finds singular values down to the rounding of the largest", () => {
    const n = 60;
    const expected = Float64Array.from({ length: n }, (_, i) => 10 ** (-i / 6));
    const u = thinQr(gaussian(n + 5, n, "u")).q;
    const v = thinQr(gaussian(n, n, "v")).q;
    const { s } = thinSvd(multiplyNT(scaleColumns(u, expected), v));
    s.forEach((x, i) => {
      assert.ok(Math.abs(x - at(expected, i)) < 1e-14, `singular value ${i}`);
    });
  });

  // Demmel and Veselić's case: A = B·D with well-conditioned B. Eigenvalues of AᵀA, or a bidiagonal
  // SVD, lose the small singular values.
  for (const cols of [12, 60]) {
    it(`keeps the digits of ${cols} singular values spread by badly scaled columns`, () => {
      const b = gaussian(cols + 20, cols);
      const scales = stream("scales").sample(
        Array.from({ length: cols }, (_, j) => 10 ** (-j / 3)),
      );
      const { s } = thinSvd(scaleColumns(b, scales));
      // det(AᵀA) = det(BᵀB)·ΠD²: the product of all singular values is known to all digits.
      const logProduct = (values: ArrayLike<number>) =>
        Array.from(values).reduce((sum, x) => sum + Math.log(x), 0);
      const expected = logProduct(thinSvd(b).s) + logProduct(scales);
      assert.ok(Math.abs(logProduct(s) - expected) < 1e-12 * cols, `${logProduct(s)} ${expected}`);
    });
  }
});
