import { Matrix, at } from "@fedclair/linalg";
import { Mulberry32 } from "../mulberry32.js";
import type { Network } from "./network.js";

/** Where normals come from: a keyed stream, or the generator of the reference cases. */
export interface Normals {
  /** `length` standard normals times `scale`. */
  normals(length: number, scale?: number): Float64Array;
}

/**
 * The random numbers that the method's specification names, so that outcomes on fixed seeds repeat in any language:
 * mulberry32 uniforms, and normals by the Box–Muller transform, both of a pair used, cosine first.
 */
export class SeededNormals implements Normals {
  readonly #uniforms: Mulberry32;
  #spare: number | undefined;

  /** @param seed its low 32 bits count */
  constructor(seed: number) {
    this.#uniforms = new Mulberry32(seed);
  }

  /** Uniform in [0, 1), 32 random bits. */
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

/** Glorot-normal start of a student with n neurons on d inputs: neuron by neuron, then the output weights. */
export function glorot(n: number, d: number, rng: Normals): Network {
  const hidden = new Matrix(d, n, rng.normals(n * d, Math.sqrt(2 / (d + n))));
  return { hidden, out: rng.normals(n, Math.sqrt(2 / (n + 1))) };
}

/** k orthonormal vectors of d entries, d ≥ k, as columns: normals, by Gram–Schmidt in order, two passes. */
export function orthonormal(k: number, d: number, rng: Normals): Matrix {
  const basis = new Matrix(d, k, rng.normals(k * d));
  for (let j = 0; j < k; j++) {
    const column = basis.column(j);
    // One pass loses orthogonality when a vector lies almost in the span of those before it.
    for (let pass = 0; pass < 2; pass++) {
      for (let i = 0; i < j; i++) subtractProjection(column, basis.column(i));
    }
    const length = Math.hypot(...column);
    column.forEach((x, i) => (column[i] = x / length));
  }
  return basis;
}

/** @param unit of norm 1 */
function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  let overlap = 0;
  for (let i = 0; i < vector.length; i++) overlap += at(vector, i) * at(unit, i);
  for (let i = 0; i < vector.length; i++) vector[i] = at(vector, i) - overlap * at(unit, i);
}
