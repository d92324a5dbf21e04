/** Number of rows of C that are computed for one panel after the other; they stay in the cache. */
const rowsAtOnce: usize = 128;

/**
 * C ← C + A·Bᵀ in float32. Rows of A and of B are in panels of four, each column by column.
 * @param a m×k
 * @param b n×k
 * @param c m×n, column-major
 * @param m a multiple of 8
 * @param n a multiple of 4
 */
export function multiplySingles(a: usize, b: usize, c: usize, m: usize, n: usize, k: usize): void {
  for (let top: usize = 0; top < m; top += rowsAtOnce) {
    const bottom = min(top + rowsAtOnce, m);
    for (let j: usize = 0; j < n; j += 4) {
      for (let i = top; i < bottom; i += 8) {
        multiplyTile(a + i * k * 4, b + j * k * 4, c + (i + j * m) * 4, m * 4, k * 16);
      }
    }
  }
}

/**
 * Computes an 8×4 tile of C in eight registers.
 * @param stride bytes from column to column of C
 * @param length bytes of a panel
 */
function multiplyTile(a: usize, b: usize, c: usize, stride: usize, length: usize): void {
  let high0 = f32x4.splat(0);
  let high1 = f32x4.splat(0);
  let high2 = f32x4.splat(0);
  let high3 = f32x4.splat(0);
  let low0 = f32x4.splat(0);
  let low1 = f32x4.splat(0);
  let low2 = f32x4.splat(0);
  let low3 = f32x4.splat(0);
  let next = a + length;
  for (const end = next; a < end; a += 16, next += 16, b += 16) {
    const high = v128.load(a);
    const low = v128.load(next);
    const b0 = v128.load32_splat(b);
    high0 = f32x4.add(high0, f32x4.mul(high, b0));
    low0 = f32x4.add(low0, f32x4.mul(low, b0));
    const b1 = v128.load32_splat(b, 4);
    high1 = f32x4.add(high1, f32x4.mul(high, b1));
    low1 = f32x4.add(low1, f32x4.mul(low, b1));
    const b2 = v128.load32_splat(b, 8);
    high2 = f32x4.add(high2, f32x4.mul(high, b2));
    low2 = f32x4.add(low2, f32x4.mul(low, b2));
    const b3 = v128.load32_splat(b, 12);
    high3 = f32x4.add(high3, f32x4.mul(high, b3));
    low3 = f32x4.add(low3, f32x4.mul(low, b3));
  }
  addColumn(c, high0, low0);
  addColumn(c + stride, high1, low1);
  addColumn(c + 2 * stride, high2, low2);
  addColumn(c + 3 * stride, high3, low3);
}

function addColumn(c: usize, high: v128, low: v128): void {
  v128.store(c, f32x4.add(v128.load(c), high));
  v128.store(c, f32x4.add(v128.load(c, 16), low), 16);
}
