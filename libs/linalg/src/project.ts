import type { Matrix } from "./matrix.js";

/** |UUᵀZ|_F² and |Z - UUᵀZ|_F². */
export interface SplitEnergy {
  readonly inside: number;
  readonly outside: number;
}

/**
 * How much of Z lies inside a space and outside it. The outside part comes from the residual itself: the difference
 * |Z|² - |UᵀZ|² would lose small angles to cancellation.
 * @param basis U, n×r, orthonormal columns
 * @param block Z, n×w
 * @throws RangeError if the rows differ
 */
export function splitEnergy(basis: Matrix, block: Matrix): SplitEnergy {
  const n = basis.rows;
  if (block.rows !== n) throw new RangeError(`UᵀZ: ${n} and ${block.rows} rows do not fit`);
  const u = basis.data;
  const residual = new Float64Array(n);
  let inside = 0;
  let outside = 0;
  for (let j = 0; j < block.cols; j++) {
    const z = block.column(j);
    residual.set(z);
    for (let c = 0; c < basis.cols; c++) {
      const o = c * n;
      let coefficient = 0;
      for (let i = 0; i < n; i++) coefficient += (u[o + i] ?? 0) * (z[i] ?? 0);
      for (let i = 0; i < n; i++) residual[i] = (residual[i] ?? 0) - coefficient * (u[o + i] ?? 0);
      inside += coefficient * coefficient;
    }
    for (let i = 0; i < n; i++) outside += (residual[i] ?? 0) ** 2;
  }
  return { inside, outside };
}
