import type { Stream } from "@fedclair/linalg";

/** `count` ≤ p random orthonormal vectors of p entries, uniformly oriented: Gaussian vectors, Gram–Schmidt. */
export function orthonormalColumns(p: number, count: number, rng: Stream): Float64Array[] {
  const columns: Float64Array[] = [];
  for (let k = 0; k < count; k++) {
    let column = rng.normals(p);
    // Twice, because one pass loses orthogonality when little of the vector is left.
    for (const other of [...columns, ...columns]) {
      const overlap = dot(column, other);
      column = column.map((value, i) => value - overlap * (other[i] ?? NaN));
    }
    const norm = Math.sqrt(dot(column, column));
    columns.push(column.map((value) => value / norm));
  }
  return columns;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? NaN), 0);
}
