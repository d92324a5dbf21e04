import { Matrix } from "./matrix.js";
import { implicitQl } from "./ql.js";
import { tridiagonalise } from "./tridiagonal.js";

/** S = V·diag(values)·Vᵀ, values in descending order, V's columns orthonormal. */
export interface SymmetricEigen {
  readonly values: Float64Array;
  readonly vectors: Matrix;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QL (Wilkinson and
 * Reinsch, Handbook for Automatic Computation II, tred2 and tql2). Absolute error about 1e-16 times the
 * largest eigenvalue. About 9n³ flops.
 * @param s n×n; only its symmetric part is meaningful, it is not changed
 * @throws RangeError if s is not square, Error if an eigenvalue does not converge (s is not finite)
 */
export function symmetricEigen(s: Matrix): SymmetricEigen {
  const n = s.rows;
  if (s.cols !== n) throw new RangeError(`expected a square matrix, got ${s.rows}×${s.cols}`);
  const { diagonal, offDiagonal, applyQ } = tridiagonalise(s);
  const basis = Matrix.identity(n);
  applyQ(basis);
  implicitQl(diagonal, offDiagonal, basis);

  const order = Array.from(diagonal.keys()).sort((i, j) => (diagonal[j] ?? 0) - (diagonal[i] ?? 0));
  const vectors = new Matrix(n, n);
  order.forEach((from, to) => {
    vectors.column(to).set(basis.column(from));
  });
  return { values: Float64Array.from(order, (i) => diagonal[i] ?? 0), vectors };
}
