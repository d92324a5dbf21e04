import { Matrix, at } from "@fedclair/linalg";
import { Mulberry32 } from "@fedclair/tasks/shared";
import type { Network } from "./network.js";

/** A source of normal numbers: a keyed stream, or the generator of the reference cases. */
export interface Normals {
  /** Returns `length` standard normal numbers times `scale`. */
  normals(length: number, scale?: number): Float64Array;
}

/**
 * The random numbers of the method's specification, so that results on fixed seeds are reproducible
 * in any language: mulberry32 for uniform numbers, and the Box–Muller transform for normal ones.
 * Both numbers of a pair are used, the cosine first.
 */
export class SeededNormals implements Normals {
  readonly #uniforms: Mulberry32;
  #spare: number | undefined;

  /** @param seed only its low 32 bits matter */
  constructor(seed: number) {
    this.#uniforms = new Mulberry32(seed);
  }

  /** Returns a number that is uniform in [0, 1), with 32 random bits. */
  uniform(): number {
    return this.#uniforms.next();
  }

  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  normals(length: number, scale = 1): Float64Array {
    return Float64Array.from({ length }, () => scale * this.normal());
  }
}

/**
 * Draws a Glorot-normal start of a student with n neurons on d inputs: neuron by neuron, then the
 * outgoing weights.
 */
export function glorot(n: number, d: number, rng: Normals): Network {
  const hidden = new Matrix(d, n, rng.normals(n * d, Math.sqrt(2 / (d + n))));
  return { hidden, out: rng.normals(n, Math.sqrt(2 / (n + 1))) };
}

/**
 * Draws k orthonormal vectors of d ≥ k entries as columns: normal vectors, orthogonalised in order
 * by two passes of Gram–Schmidt.
 */
export function orthonormal(k: number, d: number, rng: Normals): Matrix {
  const basis = new Matrix(d, k, rng.normals(k * d));
  for (let j = 0; j < k; j++) {
    const column = basis.column(j);
    // One pass loses orthogonality if a vector lies almost in the span of the previous ones.
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) subtractProjection(column, basis.column(i));
    }
    const length = Math.hypot(...column);
    column.forEach((x, i) => (column[i] = x / length));
  }
  return basis;
}

/** @param unit a vector of norm 1 */
function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  let overlap = 0;
  for (let i = 0; i < vector.length; i++) overlap += at(vector, i) * at(unit, i);
  for (let i = 0; i < vector.length; i++) vector[i] = at(vector, i) - overlap * at(unit, i);
}
