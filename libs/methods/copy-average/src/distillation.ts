import { Matrix, at } from "@fedclair/linalg";
import { kernelOf, overlapOf, type Activation, type Kernel } from "./kernels.js";
import { combine, networkOf, squaredDistance, type Network } from "./network.js";

/** A function of flat parameters that can be minimised. */
export interface Objective {
  value(x: Float64Array): number;
  gradient(x: Float64Array): Float64Array;
  /** Returns a symmetric matrix, parameters × parameters. */
  hessian(x: Float64Array): Matrix;
}

/**
 * The loss of a student of n neurons, L(W, a) = E[(f(x) − f*(x))²] over x ~ N(0, I), without a
 * factor 1/2, with its exact derivatives. The setting is that of B. Şimşek et al., NeurIPS 2023;
 * the derivatives follow from those of the kernels. Student and teacher are one network with
 * coefficients c = (a, −b), L = Σ_ij c_i·c_j·g(z_i, z_j), of which only the first n units move.
 */
export class Distillation implements Objective {
  readonly #activation: Activation;
  readonly #kernel: Kernel;
  readonly #teacher: Network;
  readonly #n: number;

  constructor(activation: Activation, teacher: Network, n: number) {
    this.#activation = activation;
    this.#kernel = kernelOf[activation];
    this.#teacher = teacher;
    this.#n = n;
  }

  /** @param x the student, as returned by `flatten` */
  value(x: Float64Array): number {
    const student = networkOf(x, this.#n, this.#teacher.hidden.rows);
    return squaredDistance(this.#activation, student, this.#teacher);
  }

  /** Computes ∂L/∂w_i = 2·c_i·Σ_j c_j·∂₁g(z_i, z_j) and ∂L/∂a_i = 2·Σ_j c_j·g(z_i, z_j). */
  gradient(x: Float64Array): Float64Array {
    const { hidden, out } = this.#units(x);
    const gradient = new Float64Array(x.length);
    const { hidden: gradHidden, out: gradOut } = networkOf(gradient, this.#n, hidden.rows);
    for (let i = 0; i < this.#n; i++) {
      const w = hidden.column(i);
      const gradW = gradHidden.column(i);
      let ownFactor = 0;
      let value = 0;
      for (let j = 0; j < hidden.cols; j++) {
        const z = hidden.column(j);
        const coefficient = at(out, j);
        const overlap = overlapOf(w, z);
        const { p, c } = this.#kernel.slopes(overlap);
        value += coefficient * this.#kernel.value(overlap);
        ownFactor += coefficient * 2 * p;
        addTo(gradW, coefficient * c, z);
      }
      addTo(gradW, ownFactor, w);
      const scale = 2 * at(out, i);
      for (let l = 0; l < gradW.length; l++) gradW[l] = scale * at(gradW, l);
      gradOut[i] = 2 * value;
    }
    return gradient;
  }

  hessian(x: Float64Array): Matrix {
    const n = this.#n;
    const { hidden, out } = this.#units(x);
    const d = hidden.rows;
    const hessian = new Matrix(x.length, x.length);
    for (let i = 0; i < n; i++) {
      const w = hidden.column(i);
      const outI = at(out, i);
      for (let j = 0; j < hidden.cols; j++) {
        const z = hidden.column(j);
        const outJ = at(out, j);
        const overlap = overlapOf(w, z);
        const slopes = this.#kernel.slopes(overlap);
        const { pp, pc, pq, cc, cq } = this.#kernel.curvatures(overlap);
        const slope = w.map((x, l) => 2 * slopes.p * x + slopes.c * at(z, l));

        const within = { identity: 2 * slopes.p, ww: 4 * pp, wz: 2 * pc, zw: 2 * pc, zz: cc };
        addBlock(hessian, i * d, i * d, 2 * outI * outJ, within, w, z);
        addCross(hessian, i * d, n * d + i, 2 * outJ, slope);
        if (j >= n) continue;
        // For j = i this is the other half of the second derivative of g(w, w).
        const between = { identity: slopes.c, ww: 2 * pc, wz: 4 * pq, zw: cc, zz: 2 * cq };
        addBlock(hessian, i * d, j * d, 2 * outI * outJ, between, w, z);
        addCross(hessian, i * d, n * d + j, 2 * outI, slope);
        hessian.data[n * d + i + (n * d + j) * x.length] = 2 * this.#kernel.value(overlap);
      }
    }
    return hessian;
  }

  /** Combines student and teacher into the network f − f*. */
  #units(x: Float64Array): Network {
    const student = networkOf(x, this.#n, this.#teacher.hidden.rows);
    return combine([student, this.#teacher], [1, -1]);
  }
}

/** A d×d matrix that combines the identity and the outer products of two vectors. */
interface Block {
  readonly identity: number;
  readonly ww: number;
  readonly wz: number;
  readonly zw: number;
  readonly zz: number;
}

function addTo(target: Float64Array, factor: number, x: Float64Array): void {
  for (let l = 0; l < x.length; l++) target[l] = at(target, l) + factor * at(x, l);
}

/** Adds `factor` times the block, with its first entry at (row, column). */
function addBlock(
  to: Matrix,
  row: number,
  column: number,
  factor: number,
  { identity, ww, wz, zw, zz }: Block,
  w: Float64Array,
  z: Float64Array,
): void {
  for (let m = 0; m < w.length; m++) {
    const wm = at(w, m);
    const zm = at(z, m);
    const target = to.column(column + m).subarray(row, row + w.length);
    addTo(target, factor * (ww * wm + wz * zm), w);
    addTo(target, factor * (zw * wm + zz * zm), z);
    target[m] = at(target, m) + factor * identity;
  }
}

/** Adds `factor` times a vector downwards from (row, column), and its transpose. */
function addCross(
  to: Matrix,
  row: number,
  column: number,
  factor: number,
  vector: Float64Array,
): void {
  addTo(to.column(column).subarray(row, row + vector.length), factor, vector);
  vector.forEach((x, l) => {
    const index = column + (row + l) * to.rows;
    to.data[index] = at(to.data, index) + factor * x;
  });
}
