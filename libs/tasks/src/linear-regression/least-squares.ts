/**
 * The normal equations of a linear least-squares problem, gathered a sample at a time: minimise Σ |y − xᵀW|² over W (p×q).
 * The samples themselves are never held, so memory is p² + pq numbers however many there are.
 */
export class LeastSquares {
  readonly #p: number;
  readonly #q: number;
  /** Σ x xᵀ, p×p row-major. Only the lower triangle is filled. */
  readonly #gram: Float64Array;
  /** Σ x yᵀ, p×q row-major. */
  readonly #cross: Float64Array;

  /** @param p entries of x @param q entries of y */
  constructor(p: number, q: number) {
    this.#p = p;
    this.#q = q;
    this.#gram = new Float64Array(p * p);
    this.#cross = new Float64Array(p * q);
  }

  /** @param x p numbers @param y q numbers */
  add(x: ArrayLike<number>, y: ArrayLike<number>): void {
    for (let i = 0; i < this.#p; i++) {
      const xi = at(x, i);
      for (let j = 0; j <= i; j++) increase(this.#gram, i * this.#p + j, xi * at(x, j));
      for (let j = 0; j < this.#q; j++) increase(this.#cross, i * this.#q + j, xi * at(y, j));
    }
  }

  /**
   * The minimiser W, p×q row-major, by Cholesky factorisation.
   * @throws Error if the x that were added do not span p dimensions
   */
  solve(): Float64Array {
    const factor = cholesky(this.#gram, this.#p);
    return backSubstitute(factor, forwardSubstitute(factor, this.#cross, this.#p), this.#p);
  }
}

/** Lower triangular L with L·Lᵀ = `gram` (p×p row-major, of which the lower triangle is read). */
function cholesky(gram: Float64Array, p: number): Float64Array {
  const factor = new Float64Array(p * p);
  for (let i = 0; i < p; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = at(gram, i * p + j);
      for (let k = 0; k < j; k++) rest -= at(factor, i * p + k) * at(factor, j * p + k);
      if (i > j) {
        factor[i * p + j] = rest / at(factor, j * p + j);
        continue;
      }
      // Dependent samples leave a pivot that is rounding error only, and may be a tiny positive number.
      if (rest <= p * Number.EPSILON * at(gram, i * p + i)) {
        throw new Error(
          `least squares: the samples span only ${i} of ${p} dimensions; add samples`,
        );
      }
      factor[i * p + i] = Math.sqrt(rest);
    }
  }
  return factor;
}

/** Z with L·Z = `right`, p×q row-major. */
function forwardSubstitute(factor: Float64Array, right: Float64Array, p: number): Float64Array {
  const q = right.length / p;
  const z = right.slice();
  for (let i = 0; i < p; i++) {
    for (let c = 0; c < q; c++) {
      let rest = at(z, i * q + c);
      for (let k = 0; k < i; k++) rest -= at(factor, i * p + k) * at(z, k * q + c);
      z[i * q + c] = rest / at(factor, i * p + i);
    }
  }
  return z;
}

/** W with Lᵀ·W = `right`, p×q row-major. */
function backSubstitute(factor: Float64Array, right: Float64Array, p: number): Float64Array {
  const q = right.length / p;
  const w = right.slice();
  for (let i = p - 1; i >= 0; i--) {
    for (let c = 0; c < q; c++) {
      let rest = at(w, i * q + c);
      for (let k = i + 1; k < p; k++) rest -= at(factor, k * p + i) * at(w, k * q + c);
      w[i * q + c] = rest / at(factor, i * p + i);
    }
  }
  return w;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? NaN;
}

function increase(values: Float64Array, index: number, by: number): void {
  values[index] = at(values, index) + by;
}
