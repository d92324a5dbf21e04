import { at } from "./at.js";
import { symmetricEigen } from "./eigen.js";
import { Matrix } from "./matrix.js";
import { rootFreeQl } from "./implicit-ql.js";
import { scaleIntoRange, findLargest } from "./scale-range.js";
import { withScratch } from "./scratch.js";
import { norm } from "./stats.js";
import { tridiagonalise } from "./tridiagonal.js";

/**
 * The eigenvectors of the `count` largest eigenvalues of a symmetric matrix, by descending
 * eigenvalue: tridiagonalisation, eigenvalues by QL, vectors by inverse iteration (Golub and Van
 * Loan, 8.4). About 8n³/3 flops, a third of the cost of all eigenvectors.
 * @param s n×n; only its lower triangle is read
 * @param count 0 … n
 * @returns n×count, orthonormal columns, even if eigenvalues coincide
 * @throws RangeError if s is not square or not finite, or if there are no `count` eigenvectors
 */
export function leadingEigenvectors(s: Matrix, count: number): Matrix {
  const n = s.rows;
  if (s.cols !== n) throw new RangeError(`expected a square matrix, got ${n}×${s.cols}`);
  if (!Number.isInteger(count) || count < 0 || count > n) {
    throw new RangeError(`leadingEigenvectors: expected a count of 0 to ${n}, got ${count}`);
  }
  const { scaled } = scaleIntoRange(s, 400, "leadingEigenvectors");
  return iterateInverse(scaled, count) ?? symmetricEigen(scaled).vectors.columns(0, count);
}

/**
 * Returns undefined if it loses digits: with many eigenvalues that are zero to rounding, a step can
 * amplify an earlier vector so much more than the current one that nothing is left of the latter.
 */
function iterateInverse(s: Matrix, count: number): Matrix | undefined {
  const n = s.rows;
  const vectors = new Matrix(n, count);
  return withScratch((scratch) => {
    const { diagonal, offDiagonal, applyQ } = tridiagonalise(s, scratch);
    const values = diagonal.slice();
    rootFreeQl(values, offDiagonal.slice());
    values.sort().reverse();
    const scale = Math.max(findLargest(diagonal), findLargest(offDiagonal));

    let state = 1;
    for (let j = 0; j < count; j++) {
      const x = vectors.column(j);
      // Any numbers without a pattern will do; a linear congruential generator is the fastest.
      for (let i = 0; i < n; i++) x[i] = state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const solve = shiftedSolver(diagonal, offDiagonal, at(values, j), scale);
      let left = 1;
      // Two steps suffice for a generic start. Each step removes the earlier vectors, which is
      // needed for coinciding eigenvalues.
      for (let step = 0; step < 3; step++) {
        solve(x);
        left = orthonormalise(vectors, j);
      }
      const residual = computeResidual(diagonal, offDiagonal, at(values, j), x);
      // Written so that NaN fails the test.
      if (!(left > 0.1 && residual <= 16 * n * Number.EPSILON * scale)) return undefined;
    }
    applyQ(vectors);
    return vectors;
  });
}

/**
 * Makes column j a unit vector orthogonal to the columns before it; two passes are enough (Parlett
 * and Kahan).
 * @returns the length that remained in the second pass: about 1, unless hardly anything remained in
 * the first
 */
function orthonormalise(vectors: Matrix, j: number): number {
  const x = vectors.column(j);
  let length = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let k = 0; k < j; k++) {
      const y = vectors.column(k);
      let projection = 0;
      for (let i = 0; i < x.length; i++) projection += (x[i] as number) * (y[i] as number);
      for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) - projection * (y[i] as number);
    }
    length = norm(x);
    for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) / length;
  }
  return length;
}

/** |T·x - λ·x| */
function computeResidual(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  lambda: number,
  x: Float64Array,
): number {
  const last = x.length - 1;
  let squares = 0;
  for (let i = 0; i <= last; i++) {
    let residual = (at(diagonal, i) - lambda) * at(x, i);
    if (i > 0) residual += at(offDiagonal, i - 1) * at(x, i - 1);
    if (i < last) residual += at(offDiagonal, i) * at(x, i + 1);
    squares += residual * residual;
  }
  return Math.sqrt(squares);
}

/**
 * x ← (T - λI)⁻¹·x in place, by LU with partial pivoting (LAPACK dgttrf, dgttrs). At an eigenvalue
 * T - λI is singular; a vanishing pivot is replaced by the rounding error, which makes inverse
 * iteration converge at once.
 * @param scale the largest |entry| of T
 */
function shiftedSolver(
  diagonal: Float64Array,
  offDiagonal: Float64Array,
  lambda: number,
  scale: number,
): (x: Float64Array) => void {
  const n = diagonal.length;
  const d = diagonal.map((x) => x - lambda);
  const upper = offDiagonal.slice();
  const lower = offDiagonal.slice();
  const second = new Float64Array(n);
  const swapped = new Uint8Array(n);
  const smallest = Number.EPSILON * scale || 1;
  const pivot = (x: number) => (Math.abs(x) < smallest ? smallest : x);
  for (let i = 0; i < n - 1; i++) {
    const here = at(d, i);
    const below = at(lower, i);
    const above = at(upper, i);
    const next = at(d, i + 1);
    if (Math.abs(here) >= Math.abs(below)) {
      d[i] = pivot(here);
      lower[i] = below / pivot(here);
      d[i + 1] = next - at(lower, i) * above;
    } else {
      const factor = here / below;
      d[i] = below;
      lower[i] = factor;
      upper[i] = next;
      d[i + 1] = above - factor * next;
      second[i] = at(upper, i + 1);
      upper[i + 1] = -factor * at(upper, i + 1);
      swapped[i] = 1;
    }
  }
  d[n - 1] = pivot(at(d, n - 1));

  return (x) => {
    for (let i = 0; i < n - 1; i++) {
      const here = at(x, i);
      const below = at(x, i + 1);
      if (swapped[i] === 1) {
        x[i] = below;
        x[i + 1] = here - at(lower, i) * below;
      } else {
        x[i + 1] = below - at(lower, i) * here;
      }
    }
    let next = 0;
    let afterNext = 0;
    for (let i = n - 1; i >= 0; i--) {
      const rest = at(upper, i) * next + at(second, i) * afterNext;
      afterNext = next;
      next = (at(x, i) - rest) / at(d, i);
      x[i] = next;
    }
  };
}
