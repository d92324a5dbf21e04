/** Rows of A that meet one panel of B after the other: few enough to stay in the second-level cache. */
const rowsAtOnce: usize = 128;

/**
 * C ← C + A·B.
 * @param a m×k in panels of four rows, each panel column by column
 * @param b k×n in panels of four columns, each panel row by row
 * @param c m×n, column-major
 * @param m a multiple of 4
 * @param n a multiple of 4
 */
export function multiplyBlock(a: usize, b: usize, c: usize, m: usize, n: usize, k: usize): void {
  for (let top: usize = 0; top < m; top += rowsAtOnce) {
    const bottom = min(top + rowsAtOnce, m);
    for (let j: usize = 0; j < n; j += 4) {
      for (let i = top; i < bottom; i += 4) {
        multiplyTile(a + i * k * 8, b + j * k * 8, c + (i + j * m) * 8, m * 8, k);
      }
    }
  }
}

/** A 4×4 tile of C in eight registers, which leaves room for the operands in the sixteen of x86-64. `stride` is in bytes. */
function multiplyTile(a: usize, b: usize, c: usize, stride: usize, k: usize): void {
  let top0 = f64x2.splat(0);
  let top1 = f64x2.splat(0);
  let top2 = f64x2.splat(0);
  let top3 = f64x2.splat(0);
  let low0 = f64x2.splat(0);
  let low1 = f64x2.splat(0);
  let low2 = f64x2.splat(0);
  let low3 = f64x2.splat(0);
  const end = a + k * 32;
  for (; a < end; a += 32, b += 32) {
    const top = v128.load(a);
    const low = v128.load(a, 16);
    let factor = v128.load64_splat(b);
    top0 = f64x2.add(top0, f64x2.mul(top, factor));
    low0 = f64x2.add(low0, f64x2.mul(low, factor));
    factor = v128.load64_splat(b, 8);
    top1 = f64x2.add(top1, f64x2.mul(top, factor));
    low1 = f64x2.add(low1, f64x2.mul(low, factor));
    factor = v128.load64_splat(b, 16);
    top2 = f64x2.add(top2, f64x2.mul(top, factor));
    low2 = f64x2.add(low2, f64x2.mul(low, factor));
    factor = v128.load64_splat(b, 24);
    top3 = f64x2.add(top3, f64x2.mul(top, factor));
    low3 = f64x2.add(low3, f64x2.mul(low, factor));
  }
  addColumn(c, top0, low0);
  addColumn(c + stride, top1, low1);
  addColumn(c + 2 * stride, top2, low2);
  addColumn(c + 3 * stride, top3, low3);
}

function addColumn(c: usize, top: v128, low: v128): void {
  v128.store(c, f64x2.add(v128.load(c), top));
  v128.store(c, f64x2.add(v128.load(c, 16), low), 16);
}
