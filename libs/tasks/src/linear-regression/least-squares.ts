import { cholesky, choleskySolve, Matrix, at, item } from "@fedclair/linalg";

/**
 * The normal equations of a linear least-squares problem, accumulated one sample at a time:
 * minimise Σ |y − xᵀW|² over W (p×q). The samples are not stored, so memory is p² + pq numbers for
 * any number of samples.
 */
export class LeastSquares {
  readonly #p: number;
  readonly #q: number;
  /** Σ x xᵀ, p×p row-major. Only the lower triangle is filled. */
  readonly #gram: Float64Array;
  /** Σ x yᵀ, p×q row-major. */
  readonly #cross: Float64Array;

  /**
   * @param p entries of x
   * @param q entries of y
   */
  constructor(p: number, q: number) {
    this.#p = p;
    this.#q = q;
    this.#gram = new Float64Array(p * p);
    this.#cross = new Float64Array(p * q);
  }

  /**
   * Adds one sample.
   * @param x p numbers
   * @param y q numbers
   */
  add(x: ArrayLike<number>, y: ArrayLike<number>): void {
    for (let i = 0; i < this.#p; i++) {
      const xi = item(x, i);
      for (let j = 0; j <= i; j++) increase(this.#gram, i * this.#p + j, xi * item(x, j));
      for (let j = 0; j < this.#q; j++) increase(this.#cross, i * this.#q + j, xi * item(y, j));
    }
  }

  /**
   * Computes the gradient of Σ |y − xᵀW|² at W, p×q row-major.
   * @param weights W, p×q row-major
   */
  gradient(weights: ArrayLike<number>): Float64Array {
    const [p, q] = [this.#p, this.#q];
    const slope = this.#cross.map((value) => -2 * value);
    for (let i = 0; i < p; i++) {
      for (let j = 0; j < p; j++) {
        const product = at(this.#gram, Math.max(i, j) * p + Math.min(i, j));
        for (let k = 0; k < q; k++)
          increase(slope, i * q + k, 2 * product * item(weights, j * q + k));
      }
    }
    return slope;
  }

  /**
   * Computes the minimiser W, p×q row-major, by Cholesky factorisation.
   * @param ridge λ ≥ 0 of an additional term λ·|W|²
   * @throws Error if the added x do not span p dimensions and λ is 0
   */
  solve(ridge = 0): Float64Array {
    const p = this.#p;
    const gram = this.#gram.slice();
    for (let i = 0; i < p; i++) increase(gram, i * (p + 1), ridge);
    // A lower triangle in row-major order is an upper one in column-major order.
    const factor = cholesky(new Matrix(p, p, gram));
    const pivots = Array.from({ length: p }, (_, i) => factor?.get(i, i) ?? 0);
    // Dependent samples leave a pivot of pure rounding error, which may be a tiny positive number.
    const zeroPivots = pivots.filter((x, i) => x * x <= p * Number.EPSILON * at(gram, i * (p + 1)));
    if (factor === undefined || zeroPivots.length > 0) {
      throw new Error(
        `least squares: the samples do not span ${p} dimensions; add samples, leave out inputs that depend on others, or set proximal above 0`,
      );
    }
    return choleskySolve(factor, Matrix.fromRowMajor(p, this.#q, this.#cross)).toRowMajor();
  }
}

function increase(values: Float64Array, index: number, by: number): void {
  values[index] = at(values, index) + by;
}
