import { at } from "@fedclair/linalg";
const none = new Float64Array(0);

/** Adds |V_k - c|² to every squares_k. */
export function addSquaredDistances(
  squares: Float64Array,
  columns: readonly Float64Array[],
  center: Float64Array,
): void {
  let k = 0;
  // Four sums at a time, because a single sum would have to wait for each addition.
  for (; k + 3 < columns.length; k += 4) {
    const [v0 = none, v1 = none, v2 = none, v3 = none] = columns.slice(k, k + 4);
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = 0; i < center.length; i++) {
      const c = at(center, i);
      s0 += (at(v0, i) - c) ** 2;
      s1 += (at(v1, i) - c) ** 2;
      s2 += (at(v2, i) - c) ** 2;
      s3 += (at(v3, i) - c) ** 2;
    }
    squares[k] = at(squares, k) + s0;
    squares[k + 1] = at(squares, k + 1) + s1;
    squares[k + 2] = at(squares, k + 2) + s2;
    squares[k + 3] = at(squares, k + 3) + s3;
  }
  for (; k < columns.length; k++) {
    const v = columns[k] ?? none;
    let s = 0;
    for (let i = 0; i < center.length; i++) s += (at(v, i) - at(center, i)) ** 2;
    squares[k] = at(squares, k) + s;
  }
}

/** |c|² */
export function squaredNorm(c: Float32Array | Float64Array): number {
  // Four sums at a time, because a single sum would have to wait for each addition.
  const whole = c.length - (c.length % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    s0 += (c[i] as number) ** 2;
    s1 += (c[i + 1] as number) ** 2;
    s2 += (c[i + 2] as number) ** 2;
    s3 += (c[i + 3] as number) ** 2;
  }
  for (let i = whole; i < c.length; i++) s0 += (c[i] as number) ** 2;
  return s0 + s1 + s2 + s3;
}
