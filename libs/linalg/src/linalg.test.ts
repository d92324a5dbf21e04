import assert from "node:assert/strict";
import fc from "fast-check";
import { EigenvalueDecomposition, Matrix as Oracle, SingularValueDecomposition } from "ml-matrix";
import {
  at,
  frobenius,
  gramNT,
  hstack,
  item,
  leadingEigenvectors,
  leadingLeft,
  leadingSpace,
  Matrix,
  median,
  mapNumbers,
  medianDeviation,
  normalQuantile,
  medianInPlace,
  multiply,
  multiplyNT,
  multiplyTN,
  quantile,
  splitEnergy,
  standardDeviation,
  stream,
  subtract,
  symmetricEigen,
  symmetricEigenvalues,
  thinQr,
  thinSvd,
  zeros,
} from "./index.js";
import { gaussian } from "../testing/gaussian.js";

const near = (actual: Matrix, expected: Matrix, tolerance: number) => {
  const distance = frobenius(subtract(actual, expected));
  assert.ok(distance <= tolerance, `distance ${distance} > ${tolerance}`);
};

const orthonormal = (q: Matrix) => {
  near(multiplyTN(q, q), Matrix.identity(q.cols), 1e-13 * Math.max(1, q.cols));
};

const diagonal = (values: ArrayLike<number>) => {
  const out = new Matrix(values.length, values.length);
  for (let i = 0; i < values.length; i++) out.data[i * (values.length + 1)] = item(values, i);
  return out;
};

const extents = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }));
const quick = { numRuns: 50 };

describe("Matrix", () => {
  it("is column-major, and converts row-major entries", () => {
    const a = Matrix.fromRows([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    assert.deepEqual([...a.data], [1, 4, 2, 5, 3, 6]);
    assert.deepEqual([...a.toRowMajor()], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual(a.transpose().toRows(), [
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    assert.deepEqual(hstack([a.columns(2, 3), a.columns(0, 1)]).toRows(), [
      [3, 1],
      [6, 4],
    ]);
  });

  it("rejects data that do not fit", () => {
    assert.throws(() => new Matrix(2, 2, new Float64Array(3)), /2×2 matrix has 4 entries, got 3/);
    assert.throws(() => Matrix.fromRows([[1, 2], [3]]), /row 1 has 1 entries, row 0 has 2/);
    assert.throws(() => new Matrix(0.5, 4, new Float64Array(2)), /a 0.5×4 matrix has 2 entries/);
    assert.throws(() => new Matrix(-1, -2), RangeError);
    assert.throws(() => Matrix.fromRowMajor(2, 2, [1, 2, 3]), /2×2 matrix has 4 entries, got 3/);
    assert.throws(() => multiply(gaussian(2, 3), gaussian(2, 3)), /A·B: 2×3 and 2×3 do not fit/);
    assert.throws(() => hstack([gaussian(2, 1), gaussian(2, 1)], [3]), /index 1 .* list of 1/);
  });

  it("reports entries and columns that do not exist", () => {
    const a = gaussian(2, 3);
    for (const [i, j] of [
      [2, 0],
      [-1, 1],
      [0, 3],
      [0, -1],
      [0.5, 0],
      [0, 0.5],
      [NaN, 0],
    ] as const) {
      assert.throws(() => a.get(i, j), RangeError(`no entry (${i}, ${j}) in a 2×3 matrix`));
    }
    for (const j of [-1, 3, 1.5, NaN]) {
      assert.throws(() => a.column(j), RangeError(`no column ${j} in a 2×3 matrix`));
    }
    for (const [from, to] of [
      [-1, 1],
      [0, 4],
      [2, 1],
      [0.5, 1.5],
    ] as const) {
      assert.throws(() => a.columns(from, to), /no columns .* in a 2×3 matrix/);
    }
    assert.equal(a.columns(3, 3).cols, 0);
  });
});

describe("zeros and mapNumbers", () => {
  it("share memory without overlapping, however many and long the vectors are", () => {
    const lengths = Array.from({ length: 2000 }, (_, i) => i % 300);
    const vectors = lengths.map((length) => zeros(length));
    assert.ok(vectors.every((vector) => vector.every((x) => x === 0)));
    vectors.forEach((vector, i) => vector.fill(i));
    assert.deepEqual(
      vectors.map(({ length }) => length),
      lengths,
    );
    assert.ok(vectors.every((vector, i) => vector.every((x) => x === i)));
  });

  it("map numbers and their places", () => {
    assert.deepEqual(
      mapNumbers(Float64Array.of(5, 6), (x, i) => 10 * x + i),
      Float64Array.of(50, 61),
    );
  });
});

describe("at and item", () => {
  it("return existing entries, and otherwise report the index and the length", () => {
    const vector = Float64Array.of(1, NaN);
    assert.equal(at(vector, 0), 1);
    assert.ok(Number.isNaN(at(vector, 1)));
    assert.equal(item(["a", ""], 1), "");
    for (const i of [-1, 2, 0.5, NaN]) {
      assert.throws(() => at(vector, i), RangeError(`index ${i} is outside a list of 2`));
      assert.throws(() => item([1, 2], i), RangeError(`index ${i} is outside a list of 2`));
    }
  });
});

describe("products", () => {
  it("agree with the oracle in all three forms, at every remainder of the unrolled loops", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 11 }), extents, (inner, [m, n]) => {
        const a = gaussian(m, inner);
        const b = gaussian(inner, n, "b");
        const expected = Matrix.fromRows(
          new Oracle(a.toRows()).mmul(new Oracle(b.toRows())).to2DArray(),
        );
        near(multiply(a, b), expected, 1e-13);
        near(multiplyTN(a.transpose(), b), expected, 1e-13);
        near(multiplyNT(a, b.transpose()), expected, 1e-13);
      }),
      quick,
    );
  });
});

describe("thinQr", () => {
  it("factors any shape into an orthonormal and a triangular matrix", () => {
    fc.assert(
      fc.property(extents, ([m, n]) => {
        const a = gaussian(m, n);
        const { q, r } = thinQr(a);
        orthonormal(q);
        near(multiply(q, r), a, 1e-13);
        for (let j = 0; j < r.cols; j++) {
          for (let i = j + 1; i < r.rows; i++) assert.equal(r.get(i, j), 0);
        }
      }),
      quick,
    );
  });

  it("keeps Q orthonormal for rank-deficient, zero, huge and tiny matrices", () => {
    const line = multiply(gaussian(7, 1), gaussian(1, 4, "b"));
    for (const a of [line, new Matrix(5, 3), line.scale(1e120), line.scale(1e-200)]) {
      const { q, r } = thinQr(a);
      orthonormal(q);
      near(multiply(q, r), a, 1e-14 * Math.max(...a.data.map(Math.abs), 1e-300) * 28);
    }
  });
});

describe("symmetricEigen", () => {
  it("agrees with the oracle's eigenvalues and rebuilds the matrix", () => {
    for (const n of [1, 2, 3, 10, 40]) {
      const g = gaussian(n, n);
      const s = new Matrix(n, n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) s.data[i + j * n] = g.get(i, j) + g.get(j, i);
      }
      const { values, vectors } = symmetricEigen(s);
      orthonormal(vectors);
      near(multiplyNT(multiply(vectors, diagonal(values)), vectors), s, 1e-12 * n);
      const oracle = new EigenvalueDecomposition(new Oracle(s.toRows())).realEigenvalues;
      oracle
        .sort((a, b) => b - a)
        .forEach((x, i) => {
          assert.ok(Math.abs(x - at(values, i)) < 1e-12 * n);
        });
    }
  });

  it("handles repeated, zero and widely spread eigenvalues", () => {
    const { q } = thinQr(gaussian(6, 6));
    for (const values of [
      [2, 2, 2, 1, 1, 0],
      [0, 0, 0, 0, 0, 0],
      [1e8, 1, 1, 1e-8, 0, -3],
    ]) {
      const sorted = values.toSorted((a, b) => b - a);
      const s = multiplyNT(multiply(q, diagonal(values)), q);
      const eigen = symmetricEigen(s);
      orthonormal(eigen.vectors);
      eigen.values.forEach((x, i) => {
        assert.ok(Math.abs(x - item(sorted, i)) < 1e-14 * Math.max(1, item(sorted, 0)));
      });
    }
  });
});

describe("symmetricEigen of a Gram matrix of low rank", () => {
  it("converges although most entries are at rounding level", () => {
    for (const [n, r] of [
      [128, 8],
      [60, 1],
    ] as const) {
      const { values, vectors } = symmetricEigen(gramNT(gaussian(n, r)));
      orthonormal(vectors);
      assert.ok(at(values, r - 1) > 1 && Math.abs(at(values, r)) < 1e-12 * n);
    }
  });
});

describe("leadingEigenvectors", () => {
  it("spans the leading eigenvectors of the full decomposition", () => {
    for (const [n, count] of [
      [1, 1],
      [2, 1],
      [9, 3],
      [48, 4],
      [48, 48],
    ] as const) {
      const s = gramNT(gaussian(n, n));
      const x = leadingEigenvectors(s, count);
      orthonormal(x);
      near(gramNT(x), gramNT(symmetricEigen(s).vectors.columns(0, count)), 1e-11 * n);
    }
  });

  it("is orthonormal if eigenvalues coincide or vanish, or the matrix splits", () => {
    const q = thinQr(gaussian(12, 12)).q;
    const repeated = multiplyNT(multiply(q, diagonal([3, 3, 3, 3, 1, 1, 0, 0, 0, 0, 0, 0])), q);
    for (const s of [repeated, Matrix.identity(12), new Matrix(12, 12), gramNT(gaussian(12, 2))]) {
      orthonormal(leadingEigenvectors(s, 7));
    }
    near(gramNT(leadingEigenvectors(repeated, 4)), gramNT(q.columns(0, 4)), 1e-13);
    assert.equal(leadingEigenvectors(repeated, 0).cols, 0);
  });
});

describe("thinSvd", () => {
  it("agrees with the oracle and rebuilds the matrix, tall and wide", () => {
    fc.assert(
      fc.property(extents, ([m, n]) => {
        const a = gaussian(m, n);
        const { u, s, v } = thinSvd(a);
        orthonormal(u);
        orthonormal(v);
        near(multiplyNT(multiply(u, diagonal(s)), v), a, 1e-13);
        const oracle = new SingularValueDecomposition(new Oracle(a.toRows()), {
          autoTranspose: true,
        }).diagonal;
        s.forEach((x, i) => {
          assert.ok(Math.abs(x - item(oracle, i)) < 1e-13);
        });
      }),
      quick,
    );
  });

  it("finds singular values far below the rounding of the largest one's square", () => {
    const expected = [1, 1e-5, 1e-11];
    const u = thinQr(gaussian(8, 3)).q;
    const v = thinQr(gaussian(5, 3, "v")).q;
    const { s } = thinSvd(multiplyNT(multiply(u, diagonal(expected)), v));
    expected.forEach((x, i) => {
      assert.ok(Math.abs(at(s, i) - x) < 1e-15, `${at(s, i)} is not ${x}`);
    });
    assert.ok(at(s, 3) < 1e-15);
  });

  it("keeps U and V orthonormal if singular values vanish", () => {
    const { u, s, v } = thinSvd(multiply(gaussian(6, 1), gaussian(1, 4, "b")));
    orthonormal(u);
    orthonormal(v);
    assert.ok(at(s, 0) > 0.1 && at(s, 1) < 1e-14);
    const zero = thinSvd(new Matrix(4, 3));
    orthonormal(zero.u);
    assert.deepEqual([...zero.s], [0, 0, 0]);
  });
});

describe("splitEnergy", () => {
  it("splits a block with numbers that can be checked by hand", () => {
    const plane = Matrix.identity(3).columns(0, 2);
    const block = Matrix.fromRows([
      [3, 0],
      [4, 1],
      [2, 5],
    ]);
    assert.deepEqual(splitEnergy(plane, block), { inside: 26, outside: 29 });
  });

  it("keeps the digits of an angle of 1e-9", () => {
    const { outside } = splitEnergy(
      Matrix.identity(2).columns(0, 1),
      Matrix.fromRows([[1], [1e-9]]),
    );
    assert.ok(Math.abs(outside / 1e-18 - 1) < 1e-12, String(outside));
  });
});

describe("leadingSpace", () => {
  it("rejects counts of directions and of restarts that would never end", () => {
    const apply = (x: Matrix) => x;
    const start = new Matrix(4, 0);
    for (const restarts of [0, 1.5, NaN, Infinity]) {
      assert.throws(() => leadingSpace(apply, start, 1, { restarts }), /at least 1 restart, got/);
    }
    assert.throws(() => leadingSpace(apply, start, 5, { restarts: 1 }), /0 to 4, got 5/);
    assert.throws(() => leadingLeft([new Matrix(4, 1)], 5), /a rank of 0 to 4, got 5/);
    assert.throws(() => leadingEigenvectors(new Matrix(4, 4), 5), /a count of 0 to 4, got 5/);
  });

  it("leaves an invariant space that is not the leading one, for any number of rows", () => {
    const rng = stream("invariant");
    for (const n of [300, 1100]) {
      const { q } = thinQr(new Matrix(n, 6, rng.at(n).normals(6 * n)));
      const values = [10, 9, 3, 2, 1, 0.5];
      const apply = (x: Matrix) => {
        const inside = multiplyTN(q, x);
        const scaled = inside.data.map((y, i) => y * item(values, i % 6));
        return multiply(q, new Matrix(6, x.cols, scaled));
      };
      const { basis, converged } = leadingSpace(apply, q.columns(2, 4), 2, { restarts: 4 });
      const off = subtract(q.columns(0, 2), multiply(basis, multiplyTN(basis, q.columns(0, 2))));
      assert.ok(converged && frobenius(off) < 1e-12);
    }
  });
});

describe("symmetricEigenvalues", () => {
  it("are those of symmetricEigen, also for enormous entries", () => {
    for (const n of [0, 1, 2, 9, 70]) {
      for (const scale of [1, 1e160]) {
        const s = gramNT(gaussian(n, n)).scale(scale);
        const { values } = symmetricEigen(s);
        symmetricEigenvalues(s).forEach((x, i) => {
          assert.ok(Math.abs(x - at(values, i)) <= 1e-13 * at(values, 0), `${x}, ${values[i]}`);
        });
      }
    }
  });
  it("rejects a matrix that is not square", () => {
    assert.throws(() => symmetricEigenvalues(new Matrix(2, 3)), /a square matrix, got 2×3/);
  });
});

describe("leadingLeft", () => {
  it("spans the same space as the SVD of the stack", () => {
    const blocks = [gaussian(7, 3), gaussian(7, 5, "b"), gaussian(7, 1, "c").scale(3)];
    const { u, s } = thinSvd(hstack(blocks));
    const drop = at(s, 1) / at(s, 2);
    // The step of orthogonal iteration keeps the leading space, whatever gap follows.
    assert.ok(drop > 1.05, String(drop));
    near(gramNT(leadingLeft(blocks, 2)), gramNT(u.columns(0, 2)), 1e-12);
  });

  it("is exact for a stack of exactly low rank, even an ill-conditioned one", () => {
    const u = thinQr(gaussian(9, 2)).q;
    const blocks = [1, 2, 3].map((k) =>
      multiply(u, multiply(diagonal([1, 1e-5]), gaussian(2, 4, k))),
    );
    near(gramNT(leadingLeft(blocks, 2)), gramNT(u), 1e-9);
    // The Gram matrix has lost the digits of the second direction, so the stack is used.
    near(gramNT(leadingLeft(blocks, 2, { gram: gramNT(hstack(blocks)) })), gramNT(u), 1e-9);
  });

  it("iterates to the same space for many rows, also without a gap, and with a known Gram matrix", () => {
    const rows = 260;
    for (const noise of [0, 0.1, 1]) {
      for (const width of [40, 700, 1100]) {
        const u = thinQr(gaussian(rows, 3)).q;
        const stack = multiply(u, gaussian(3, width, "c"));
        gaussian(rows, width, "noise").data.forEach((x, i) => {
          stack.data[i] = at(stack.data, i) + noise * x;
        });
        const gram = gramNT(stack);
        const direct = gramNT(leadingEigenvectors(gram, 3));
        near(gramNT(leadingLeft([stack], 3)), direct, 1e-9);
        near(gramNT(leadingLeft([stack], 3, { gram })), direct, 1e-9);
      }
    }
  });

  it("returns orthonormal columns if the stack has fewer directions than requested", () => {
    for (const rows of [9, 150, 260]) {
      const found = leadingLeft([gaussian(rows, 2)], 4);
      near(multiplyTN(found, found), Matrix.identity(4), 1e-12);
    }
  });
});

describe("quantile and median", () => {
  it("interpolate between order statistics", () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(medianDeviation([3, 1, 2, 1000]), 1.4826); // from 2.5: 0.5, 1.5, 0.5, 997.5
    assert.equal(standardDeviation([1, 3, 5]), 2); // squares 4, 0, 4 over 2
    assert.equal(median([4, 1, 2, 3]), 2.5);
    assert.equal(medianInPlace(Float64Array.of(4, 1, 2, 3)), 2.5);
    assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
    assert.equal(quantile([0, 1], 0.3), 0.3);
    assert.equal(median([1, Infinity, Infinity]), Infinity);
    assert.throws(() => median([]), /no value at q = 0.5 of 0 values/);
  });

  it("are those of the sorted list, with ties, infinities and NaN, which is last", () => {
    const rng = stream(7).at("quantiles");
    const rare = [Infinity, -Infinity, NaN, 2, 2];
    for (const n of [1, 2, 3, 4, 5, 10, 99, 100, 1000, 1001]) {
      for (let repeat = 0; repeat < 20; repeat++) {
        const values = Float64Array.from({ length: n }, () => {
          if (repeat % 2 === 0) return rng.int(5);
          return rare[rng.int(200)] ?? rng.normal();
        });
        const copy = values.slice();
        const sorted = values.slice().sort();
        for (let k = 0; k < n; k += Math.ceil(n / 7))
          assert.equal(quantile(values, n === 1 ? 0.5 : k / (n - 1)), sorted[k]);
        assert.deepEqual(values, copy);
      }
    }
  });
});

describe("normalQuantile", () => {
  it("agrees with Python's statistics.NormalDist", () => {
    const table = [
      [0.5, 0],
      [0.75, 0.6744897501960817],
      [0.975, 1.959963984540054],
      [0.999, 3.090232306167813],
      [1 - 2 ** -20, 4.7630010342678135],
    ] as const;
    for (const [p, z] of table) assert.ok(Math.abs(normalQuantile(p) - z) < 1e-10, `p = ${p}`);
  });

  it("rejects a probability outside the upper half", () => {
    for (const p of [0.49, 1, NaN]) assert.throws(() => normalQuantile(p), RangeError);
  });
});
