/** The sum of the four lanes. */
export function lanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** to ← to + factor·from. @param bytes a multiple of 16 */
export function addMultiple(to: usize, factor: v128, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const sum = f32x4.add(v128.load(to + at), f32x4.mul(factor, v128.load(from + at)));
    v128.store(to + at, sum);
  }
}

/** Σ a·b. @param bytes of each, a multiple of 16 */
export function product(a: usize, b: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  }
  return lanes(sum);
}

/**
 * Transposes a matrix.
 * @param head number of bytes used of each row, a multiple of 16
 * @param across bytes from one new row to the next
 */
export function transpose(
  from: usize,
  row: usize,
  rows: usize,
  head: usize,
  to: usize,
  across: usize,
): void {
  let j: usize = 0;
  for (; j + 4 <= rows; j += 4, from += 4 * row, to += 16) {
    let column = to;
    for (let d: usize = 0; d < head; d += 16, column += 4 * across) {
      const at = from + d;
      const row0 = v128.load(at);
      const row1 = v128.load(at + row);
      const row2 = v128.load(at + 2 * row);
      const row3 = v128.load(at + 3 * row);
      const low01 = v128.shuffle<f32>(row0, row1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(row0, row1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(row2, row3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(row2, row3, 2, 6, 3, 7);
      v128.store(column, v128.shuffle<f64>(low01, low23, 0, 2));
      v128.store(column + across, v128.shuffle<f64>(low01, low23, 1, 3));
      v128.store(column + 2 * across, v128.shuffle<f64>(high01, high23, 0, 2));
      v128.store(column + 3 * across, v128.shuffle<f64>(high01, high23, 1, 3));
    }
  }
  for (; j < rows; j++, from += row, to += 4) {
    for (let d: usize = 0; d < head; d += 4) {
      store<f32>(to + (d / 4) * across, load<f32>(from + d));
    }
  }
}
