import {
  addScaled,
  Matrix,
  multiply,
  multiplyTN,
  subtract,
  sum,
  symmetricEigen,
  item,
} from "@fedclair/linalg";

/** A normal distribution with mean 1×d and covariance d×d, symmetric positive definite. */
export interface Gaussian {
  readonly mean: Matrix;
  readonly covariance: Matrix;
}

/** The optimal values and the optimal map between two normal distributions, in closed form. */
export class GaussianTransport {
  /** The Monge map is T(x) = m1 + A(x - m0) with A symmetric, d×d. */
  readonly a: Matrix;
  readonly squaredW2: number;
  readonly #source: Gaussian;
  readonly #target: Gaussian;
  /** m1 - m0, 1×d */
  readonly #move: Matrix;

  /** @throws RangeError if shapes do not fit or a covariance is not positive definite */
  constructor(source: Gaussian, target: Gaussian) {
    validate(source, target);
    this.#source = source;
    this.#target = target;
    this.#move = subtract(target.mean, source.mean);
    const root = power(source.covariance, 1 / 2);
    const inverseRoot = power(source.covariance, -1 / 2);
    const cross = power(multiply(multiply(root, target.covariance), root), 1 / 2);
    this.a = multiply(multiply(inverseRoot, cross), inverseRoot);
    this.squaredW2 =
      squaredLength(this.#move) +
      trace(source.covariance) +
      trace(target.covariance) -
      2 * trace(cross);
  }

  /**
   * Applies T to n points.
   * @param points n×d
   */
  map(points: Matrix): Matrix {
    return addRow(multiply(subtractRow(points, this.#source.mean), this.a), this.#target.mean);
  }

  /**
   * Computes V_t at n points, normalised to V_0(m0) = 0.
   * @param t in [0, 1]
   */
  values(points: Matrix, t: number): Float64Array {
    const z = subtractRow(points, this.#meanAt(t));
    const bent = multiply(z, this.#curvatureAt(t));
    const rest = (t * squaredLength(this.#move)) / 2;
    return Float64Array.from({ length: z.rows }, (_, k) => {
      let value = -rest;
      for (let c = 0; c < z.cols; c++) {
        value += z.get(k, c) * (bent.get(k, c) / 2 - this.#move.get(0, c));
      }
      return value;
    });
  }

  /**
   * Computes ∇V_t at n points, n×d.
   * @param t in [0, 1]
   */
  gradients(points: Matrix, t: number): Matrix {
    const z = subtractRow(points, this.#meanAt(t));
    return subtractRow(multiply(z, this.#curvatureAt(t)), this.#move);
  }

  #meanAt(t: number): Matrix {
    const mean = this.#source.mean.copy();
    addScaled(mean, t, this.#move);
    return mean;
  }

  /** Computes K_t = (I - A)((1 - t)I + tA)⁻¹ from the eigenvectors of A. */
  #curvatureAt(t: number): Matrix {
    return spectral(this.a, (value) => (1 - value) / (1 - t + t * value));
  }
}

function validate(source: Gaussian, target: Gaussian): void {
  const d = source.mean.cols;
  for (const { mean, covariance } of [source, target]) {
    if (mean.rows !== 1 || mean.cols !== d || covariance.rows !== d || covariance.cols !== d) {
      throw new RangeError(`expected means of 1×${d} and covariances of ${d}×${d}`);
    }
    const least = symmetricEigen(covariance).values.at(-1) ?? NaN;
    if (!(least > 0)) {
      throw new RangeError(`expected positive definite covariances, got an eigenvalue of ${least}`);
    }
  }
}

/** Applies `f` to the eigenvalues of a symmetric matrix. */
function spectral(symmetric: Matrix, f: (eigenvalue: number) => number): Matrix {
  const { values, vectors } = symmetricEigen(symmetric);
  const rows = vectors.transpose();
  const scaled = rows.copy();
  for (let j = 0; j < scaled.cols; j++) {
    scaled.column(j).forEach((x, i, column) => (column[i] = f(item(values, i)) * x));
  }
  return multiplyTN(rows, scaled);
}

function power(symmetric: Matrix, exponent: number): Matrix {
  return spectral(symmetric, (value) => value ** exponent);
}

function trace(a: Matrix): number {
  return sum(Float64Array.from({ length: a.rows }, (_, i) => a.get(i, i)));
}

function squaredLength(row: Matrix): number {
  return sum(row.data.map((x) => x ** 2));
}

function addRow(points: Matrix, row: Matrix): Matrix {
  return subtractRow(points, row.scale(-1));
}

function subtractRow(points: Matrix, row: Matrix): Matrix {
  const out = points.copy();
  for (let c = 0; c < out.cols; c++) {
    const shift = row.get(0, c);
    out.column(c).forEach((x, k, column) => (column[k] = x - shift));
  }
  return out;
}
