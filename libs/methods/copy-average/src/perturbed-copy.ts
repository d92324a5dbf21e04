import { Matrix, at } from "@fedclair/linalg";
import { Distillation, type Objective } from "./distillation.js";
import { networkOf, type Network } from "./network.js";
import { polish } from "./polish.js";

/**
 * The point at which every neuron leans towards its own teacher neuron, and all share the other
 * teacher neurons evenly.
 */
interface PerturbedCopy {
  /** Weight on the neuron's own teacher neuron. */
  readonly alpha: number;
  /** Weight on the teacher neurons of the other student neurons. */
  readonly beta: number;
  /** Weight on the remaining teacher neurons. */
  readonly delta: number;
  /** Outgoing weight. */
  readonly out: number;
  /** The student itself. The teacher's neurons are the first k of k + 1 unit vectors. */
  readonly student: Network;
  readonly loss: number;
}

/**
 * Computes the perturbed copy of an erf student of n neurons and a teacher of k orthonormal
 * neurons. It is the minimum of the loss within the family w_i = α·v_i + β·Σ_{j≤n, j≠i} v_j +
 * δ·Σ_{l>n} v_l, a_i = a. Because of symmetry it is critical among all students, but if n is small
 * compared with k it is a saddle.
 * @param n 2 … k − 1
 */
export async function perturbedCopy(n: number, k: number): Promise<PerturbedCopy> {
  const family = new Family(n, k);
  const x = await polish(family, Float64Array.of(0.9 * Math.sqrt(n / k), 0, 0.1, k / n));
  const [alpha = NaN, beta = NaN, delta = NaN, out = NaN] = x;
  return { alpha, beta, delta, out, student: family.student(x), loss: family.value(x) };
}

/** Creates the teacher whose neurons are the first k of k + 1 unit vectors. */
export function unitTeacher(k: number): Network {
  return {
    hidden: Matrix.identity(k + 1).columns(0, k),
    out: new Float64Array(k).fill(1),
  };
}

/**
 * The loss as a function of (α, β, δ, a). The student is linear in them, so the derivatives are
 * sums of those of the loss.
 */
class Family implements Objective {
  readonly #loss: Distillation;
  readonly #n: number;
  readonly #d: number;
  /**
   * The index of the shared parameter (0 … 3) for each parameter of the student; `unused` for the
   * unused input.
   */
  readonly #role: readonly number[];

  constructor(n: number, k: number) {
    this.#n = n;
    this.#d = k + 1;
    this.#loss = new Distillation("erf", unitTeacher(k), n);
    const weights = Array.from({ length: n * (k + 1) }, (_, index) => {
      const i = Math.floor(index / (k + 1));
      const j = index % (k + 1);
      if (j === k) return unused;
      return j === i ? 0 : j < n ? 1 : 2;
    });
    this.#role = [...weights, ...Array.from({ length: n }, () => 3)];
  }

  student(y: Float64Array): Network {
    return networkOf(this.#expand(y), this.#n, this.#d);
  }

  value(y: Float64Array): number {
    return this.#loss.value(this.#expand(y));
  }

  gradient(y: Float64Array): Float64Array {
    return this.#reduce(this.#loss.gradient(this.#expand(y)));
  }

  hessian(y: Float64Array): Matrix {
    const full = this.#loss.hessian(this.#expand(y));
    const half = Array.from(this.#role, (_, j) => this.#reduce(full.column(j)));
    const hessian = new Matrix(4, 4);
    for (let row = 0; row < 4; row++) {
      const column = this.#reduce(Float64Array.from(half, (reduced) => at(reduced, row)));
      hessian.column(row).set(column);
    }
    return hessian;
  }

  #expand(y: Float64Array): Float64Array {
    return Float64Array.from(this.#role, (role) => (role === unused ? 0 : at(y, role)));
  }

  #reduce(x: Float64Array): Float64Array {
    const sums = new Float64Array(4);
    this.#role.forEach((role, index) => {
      if (role !== unused) sums[role] = at(sums, role) + at(x, index);
    });
    return sums;
  }
}

const unused = -1;
