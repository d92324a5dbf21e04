const none = new Float64Array(0);

/** Σ w_k·V_k. @param columns of one length @param weights one for each */
export function combination(columns: readonly Float64Array[], weights: Float64Array): Float64Array {
  const out = new Float64Array(columns[0]?.length ?? 0);
  let k = 0;
  // Four at a time, so that each sum is read and written once for four products.
  for (; k + 3 < columns.length; k += 4) {
    const [v0 = none, v1 = none, v2 = none, v3 = none] = columns.slice(k, k + 4);
    const [w0 = NaN, w1 = NaN, w2 = NaN, w3 = NaN] = weights.subarray(k, k + 4);
    for (let i = 0; i < out.length; i++) {
      out[i] =
        (out[i] ?? NaN) +
        w0 * (v0[i] ?? NaN) +
        w1 * (v1[i] ?? NaN) +
        w2 * (v2[i] ?? NaN) +
        w3 * (v3[i] ?? NaN);
    }
  }
  for (; k < columns.length; k++) {
    const v = columns[k] ?? none;
    const w = weights[k] ?? NaN;
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? NaN) + w * (v[i] ?? NaN);
  }
  return out;
}

/** squares_k += |V_k - c|² */
export function addSquaredDistances(
  squares: Float64Array,
  columns: readonly Float64Array[],
  center: Float64Array,
): void {
  let k = 0;
  // Four sums at a time: one alone would wait for each addition.
  for (; k + 3 < columns.length; k += 4) {
    const [v0 = none, v1 = none, v2 = none, v3 = none] = columns.slice(k, k + 4);
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < center.length; i++) {
      const c = center[i] ?? NaN;
      s0 += ((v0[i] ?? NaN) - c) ** 2;
      s1 += ((v1[i] ?? NaN) - c) ** 2;
      s2 += ((v2[i] ?? NaN) - c) ** 2;
      s3 += ((v3[i] ?? NaN) - c) ** 2;
    }
    squares[k] = (squares[k] ?? NaN) + s0;
    squares[k + 1] = (squares[k + 1] ?? NaN) + s1;
    squares[k + 2] = (squares[k + 2] ?? NaN) + s2;
    squares[k + 3] = (squares[k + 3] ?? NaN) + s3;
  }
  for (; k < columns.length; k++) {
    const v = columns[k] ?? none;
    let s = 0;
    for (let i = 0; i < center.length; i++) s += ((v[i] ?? NaN) - (center[i] ?? NaN)) ** 2;
    squares[k] = (squares[k] ?? NaN) + s;
  }
}

/** |c|² */
export function squaredNorm(c: Float64Array): number {
  let total = 0;
  for (let i = 0; i < c.length; i++) total += (c[i] ?? NaN) ** 2;
  return total;
}
