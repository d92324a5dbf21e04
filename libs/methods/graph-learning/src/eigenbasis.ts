import {
  Matrix,
  multiply,
  multiplyNT,
  multiplyTN,
  symmetricEigen,
  type SymmetricEigen,
  at,
} from "@fedclair/linalg";

/** Weights of the three couplings S = Y, comm(C, S) = Z and S·1 = q. */
export interface CouplingWeights {
  readonly graph: number;
  readonly commutator: number;
  /** With 0 the degrees are not coupled. */
  readonly degrees: number;
}

/** The minimiser of the couplings, in the forms that the other block needs. */
export interface Coupling {
  /** S, symmetric. */
  readonly s: Matrix;
  /** comm(C, S) in the eigenbasis of C. */
  readonly commutator: Matrix;
  /** The degrees S·1. */
  readonly degrees: Float64Array;
}

/**
 * The eigenbasis of C = U·diag(l)·Uᵀ. In it the commutator is an entrywise product: Uᵀ·comm(C, S)·U
 * = g∘(UᵀSU) with g_ij = l_i − l_j. This makes the S-step of ADMM exact and cheap.
 */
export class Eigenbasis {
  readonly #u: Matrix;
  readonly #weights: CouplingWeights;
  /** g, N×N. */
  readonly #differences: Matrix;
  /** The vector Uᵀ·1. */
  readonly #ones: Float64Array;
  /** D_ij = 1/(w_z·g_ij² + w_y) */
  readonly #inverse: Matrix;
  /** (I + w_q/2·[Diag(D(u∘u)) + Diag(u)·D·Diag(u)])⁻¹ with u = Uᵀ·1. */
  readonly #degreeSolve: Matrix;

  constructor({ values, vectors }: SymmetricEigen, weights: CouplingWeights) {
    const n = values.length;
    this.#u = vectors;
    this.#weights = weights;
    this.#ones = multiplyTN(vectors, new Matrix(n, 1, new Float64Array(n).fill(1))).data;
    this.#differences = tabulate(n, (i, j) => at(values, i) - at(values, j));
    this.#inverse = tabulate(
      n,
      (i, j) => 1 / (weights.commutator * this.#differences.get(i, j) ** 2 + weights.graph),
    );
    this.#degreeSolve = invert(this.#degreeSystem());
  }

  /** Computes U·X·Uᵀ. */
  fromBasis(x: Matrix): Matrix {
    return multiplyNT(multiply(this.#u, x), this.#u);
  }

  /**
   * Finds the symmetric S that minimises ΣS/ρ + w_y/2·‖S − Y‖² + w_z/2·‖g∘(UᵀSU) − Z‖² + w_q/2·|S·1
   * − q|².
   * @param z skew, in the eigenbasis
   */
  couple(y: Matrix, z: Matrix, q: Float64Array, rho: number): Coupling {
    const n = y.rows;
    const { graph, commutator, degrees } = this.#weights;
    const u = this.#ones;
    const g = this.#differences.data;
    const inverse = this.#inverse.data;
    const target = new Matrix(
      n,
      n,
      y.data.map((x) => graph * x - 1 / rho),
    );
    const rotated = multiply(multiplyTN(this.#u, target), this.#u);
    const b = multiplyTN(this.#u, new Matrix(n, 1, q)).data;
    const e = rotated.data;
    for (let j = 0, index = 0; j < n; j++) {
      for (let i = 0; i < n; i++, index++) {
        const pull = ((b[i] ?? 0) * (u[j] ?? 0) + (u[i] ?? 0) * (b[j] ?? 0)) * (degrees / 2);
        const right = (e[index] ?? 0) + commutator * (g[index] ?? 0) * (z.data[index] ?? 0) + pull;
        e[index] = right * (inverse[index] ?? 0);
      }
    }
    const w = multiply(this.#degreeSolve, multiply(rotated, new Matrix(n, 1, u))).data;
    const commuted = new Matrix(n, n);
    for (let j = 0, index = 0; j < n; j++) {
      for (let i = 0; i < n; i++, index++) {
        const pull = ((w[i] ?? 0) * (u[j] ?? 0) + (u[i] ?? 0) * (w[j] ?? 0)) * (degrees / 2);
        e[index] = (e[index] ?? 0) - (inverse[index] ?? 0) * pull;
        commuted.data[index] = (g[index] ?? 0) * (e[index] ?? 0);
      }
    }
    return {
      s: this.fromBasis(rotated),
      commutator: commuted,
      degrees: multiply(this.#u, new Matrix(n, 1, w)).data,
    };
  }

  #degreeSystem(): Matrix {
    const u = this.#ones;
    const squares = new Matrix(
      u.length,
      1,
      u.map((x) => x * x),
    );
    const diagonal = multiply(this.#inverse, squares).data;
    return tabulate(u.length, (i, j) => {
      const coupling = at(u, i) * this.#inverse.get(i, j) * at(u, j);
      const own = i === j ? at(diagonal, i) : 0;
      return (i === j ? 1 : 0) + (this.#weights.degrees / 2) * (own + coupling);
    });
  }
}

function tabulate(n: number, entry: (i: number, j: number) => number): Matrix {
  const out = new Matrix(n, n);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) out.data[i + j * n] = entry(i, j);
  return out;
}

/** Inverts a symmetric positive definite matrix. */
function invert(s: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(s);
  const scaled = vectors.copy();
  values.forEach((value, j) => {
    scaled.column(j).set(vectors.column(j).map((x) => x / value));
  });
  return multiplyNT(scaled, vectors);
}
