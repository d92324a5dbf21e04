import { Matrix } from "@fedclair/linalg";

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772): Y_i is the mean of the K - f points nearest to V_i,
 * itself among them; the first of equally near ones.
 * @param squared distances, K×K
 * @returns K×K: column i holds the weights of the points in Y_i
 */
export function nearestNeighbourMixing(squared: Matrix, f: number): Matrix {
  const count = squared.rows;
  const out = new Matrix(count, count);
  for (let i = 0; i < count; i++) {
    const distances = squared.column(i);
    const nearest = Array.from(distances.keys()).sort(
      (j, k) => (distances[j] ?? NaN) - (distances[k] ?? NaN),
    );
    for (const k of nearest.slice(0, count - f)) out.data[k + i * count] = 1 / (count - f);
  }
  return out;
}
