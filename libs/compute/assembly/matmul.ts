import { transpose } from "./vector";

/**
 * Number of rows of A that are multiplied by one panel of B after the other; small enough for the
 * second-level cache.
 */
const rowsAtOnce: usize = 512;
/** Columns of a panel of B. */
const across: usize = 16;
/** Bytes of a row of the panel. */
const wide: usize = across * 4;

/**
 * C ← A·B, float32. Every entry of C is summed in the order of k, whatever the sizes, so a row
 * gives the same bits alone and among others.
 * @param a m×k: entry (i, p) is `aRow`·i + `aColumn`·p numbers from its start; b is laid out in the
 * same way, k×n
 * @param c m×n, row-major
 * @param panel room for (k + 2)×16 numbers
 */
export function multiply(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  bColumn: usize,
  c: usize,
  m: usize,
  n: usize,
  k: usize,
  panel: usize,
): void {
  const end = panel + k * wide;
  for (let top: usize = 0; top < m; top += rowsAtOnce) {
    const rows = min(rowsAtOnce, m - top);
    for (let j: usize = 0; j < n; j += across) {
      const columns = min(across, n - j);
      pack(b + j * bColumn * 4, bRow * 4, bColumn * 4, columns, panel, end);
      const from = a + top * aRow * 4;
      const to = c + (top * n + j) * 4;
      multiplyPanel(from, aRow * 4, aColumn * 4, panel, end, to, n * 4, rows, columns);
    }
  }
}

/** C ← A·panel for some of the columns. Distances are in bytes. */
function multiplyPanel(
  a: usize,
  row: usize,
  column: usize,
  panel: usize,
  end: usize,
  c: usize,
  stride: usize,
  rows: usize,
  columns: usize,
): void {
  for (let i: usize = 0; i < rows; i += 2, a += 2 * row, c += 2 * stride) {
    const height = min<usize>(2, rows - i);
    if (columns === across && height === 2) {
      tile(a, row, column, panel, end, c, stride);
      continue;
    }
    // For a partial tile, compute a whole tile in the room after the panel.
    tile(a, height === 2 ? row : 0, column, panel, end, end, wide);
    for (let r: usize = 0; r < height; r++) {
      memory.copy(c + r * stride, end + r * wide, columns * 4);
    }
  }
}

/** Packs the panel, k×16 row-major, with zeros beyond the last column of B. */
function pack(b: usize, row: usize, column: usize, columns: usize, panel: usize, end: usize): void {
  if (columns === across && column === 4) {
    for (; panel < end; panel += wide, b += row) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      v128.store(panel, v128.load(b, 32), 32);
      v128.store(panel, v128.load(b, 48), 48);
    }
    return;
  }
  const height = (end - panel) / across; // of a column, in bytes
  if (columns === across && row === 4 && (height & 15) === 0) {
    transpose(b, column, across, height, panel, wide);
    return;
  }
  for (; panel < end; panel += wide, b += row) {
    for (let j: usize = 0; j < across; j++) {
      store<f32>(panel + j * 4, j < columns ? load<f32>(b + j * column) : 0);
    }
  }
}

/**
 * Computes two rows of C and sixteen columns in eight registers. With more registers, V8 keeps some
 * in memory; with more rows and fewer columns, more has to be loaded. `row`, `column` and `stride`
 * are in bytes.
 */
function tile(
  a: usize,
  row: usize,
  column: usize,
  panel: usize,
  end: usize,
  c: usize,
  stride: usize,
): void {
  let top0 = f32x4.splat(0);
  let top1 = f32x4.splat(0);
  let top2 = f32x4.splat(0);
  let top3 = f32x4.splat(0);
  let low0 = f32x4.splat(0);
  let low1 = f32x4.splat(0);
  let low2 = f32x4.splat(0);
  let low3 = f32x4.splat(0);
  let below = a + row;
  for (; panel < end; panel += wide) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    const b2 = v128.load(panel, 32);
    const b3 = v128.load(panel, 48);
    const top = v128.load32_splat(a);
    top0 = f32x4.add(top0, f32x4.mul(top, b0));
    top1 = f32x4.add(top1, f32x4.mul(top, b1));
    top2 = f32x4.add(top2, f32x4.mul(top, b2));
    top3 = f32x4.add(top3, f32x4.mul(top, b3));
    const low = v128.load32_splat(below);
    low0 = f32x4.add(low0, f32x4.mul(low, b0));
    low1 = f32x4.add(low1, f32x4.mul(low, b1));
    low2 = f32x4.add(low2, f32x4.mul(low, b2));
    low3 = f32x4.add(low3, f32x4.mul(low, b3));
    a += column;
    below += column;
  }
  v128.store(c, top0);
  v128.store(c, top1, 16);
  v128.store(c, top2, 32);
  v128.store(c, top3, 48);
  c += stride;
  v128.store(c, low0);
  v128.store(c, low1, 16);
  v128.store(c, low2, 32);
  v128.store(c, low3, 48);
}
