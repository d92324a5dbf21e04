import {
  addScaled,
  gramNT,
  Matrix,
  multiply,
  multiplyNT,
  symmetricEigen,
  type Stream,
} from "@fedclair/linalg";
import { createPacer } from "./pace.js";

/** The filter by which signals diffuse over a graph: x = H(A)·z of white z. */
export type Filter = "lowpass" | "highpass" | "quadratic";

const responses: Readonly<Record<Filter, (eigenvalue: number) => number>> = {
  lowpass: (x) => Math.exp(x / 2),
  highpass: (x) => Math.exp(-x),
  quadratic: (x) => 1 + x + x * x,
};

/** Computes H(A): exp(A/2), exp(−A) or I + A + A²; symmetric. */
export function computeFilter(adjacency: Matrix, filter: Filter): Matrix {
  const { values, vectors } = symmetricEigen(adjacency);
  const scaled = vectors.copy();
  values.forEach((value, j) => {
    const response = responses[filter](value);
    scaled.column(j).set(vectors.column(j).map((x) => response * x));
  });
  return multiplyNT(scaled, vectors);
}

/**
 * Computes the covariance (1/n)·Σ x·xᵀ of n signals x = H·z, z ~ N(0, I). The model has zero mean,
 * so it is not centred.
 * @param shape H, N×N
 */
export async function drawCovariance(shape: Matrix, samples: number, rng: Stream): Promise<Matrix> {
  const n = shape.rows;
  const total = new Matrix(n, n);
  const pace = createPacer();
  // Blocks of signals need one product per block instead of one per signal.
  for (let done = 0; done < samples;) {
    const count = Math.min(64, samples - done);
    const signals = multiply(shape, new Matrix(n, count, rng.normals(n * count)));
    addScaled(total, 1 / samples, gramNT(signals));
    done += count;
    await pace();
  }
  return total;
}
