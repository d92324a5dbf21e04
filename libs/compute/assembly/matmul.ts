/** Rows of A that meet one panel of B after the other: few enough to stay in the second-level cache. */
const rowsAtOnce: usize = 128;
/** Columns of a panel of B. */
const across: usize = 8;

/**
 * C ← A·B, float32. Every entry of C is summed up in the order of k, whatever the sizes: rows give the same bits alone and among
 * others.
 * @param a m×k: entry (i, p) is `aRow`·i + `aColumn`·p numbers from its start; likewise b, k×n
 * @param c m×n, row-major
 * @param panel room for k×8 numbers
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
  for (let top: usize = 0; top < m; top += rowsAtOnce) {
    const bottom = min(top + rowsAtOnce, m);
    for (let j: usize = 0; j < n; j += across) {
      const columns = min(across, n - j);
      pack(b + j * bColumn * 4, bRow * 4, bColumn * 4, columns, k, panel);
      let i = top;
      for (; i + 4 <= bottom; i += 4) {
        tile(
          a + i * aRow * 4,
          aRow * 4,
          aColumn * 4,
          panel,
          c + (i * n + j) * 4,
          n * 4,
          columns,
          k,
        );
      }
      for (; i < bottom; i++) {
        row(a + i * aRow * 4, aColumn * 4, panel, c + (i * n + j) * 4, columns, k);
      }
    }
  }
}

/** The panel, k×8 row-major; zeros where B has no more columns. */
function pack(b: usize, row: usize, column: usize, columns: usize, k: usize, panel: usize): void {
  for (const end = panel + k * across * 4; panel < end; panel += across * 4, b += row) {
    if (columns === across && column === 4) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      continue;
    }
    for (let j: usize = 0; j < across; j++) {
      store<f32>(panel + j * 4, j < columns ? load<f32>(b + j * column) : 0);
    }
  }
}

/** Four rows of C, eight columns, in eight registers. */
function tile(
  a: usize,
  row: usize,
  column: usize,
  panel: usize,
  c: usize,
  stride: usize,
  columns: usize,
  k: usize,
): void {
  let l0 = f32x4.splat(0);
  let r0 = f32x4.splat(0);
  let l1 = f32x4.splat(0);
  let r1 = f32x4.splat(0);
  let l2 = f32x4.splat(0);
  let r2 = f32x4.splat(0);
  let l3 = f32x4.splat(0);
  let r3 = f32x4.splat(0);
  let a1 = a + row;
  let a2 = a1 + row;
  let a3 = a2 + row;
  for (const end = panel + k * across * 4; panel < end; panel += across * 4) {
    const left = v128.load(panel);
    const right = v128.load(panel, 16);
    let factor = v128.load32_splat(a);
    l0 = f32x4.add(l0, f32x4.mul(factor, left));
    r0 = f32x4.add(r0, f32x4.mul(factor, right));
    factor = v128.load32_splat(a1);
    l1 = f32x4.add(l1, f32x4.mul(factor, left));
    r1 = f32x4.add(r1, f32x4.mul(factor, right));
    factor = v128.load32_splat(a2);
    l2 = f32x4.add(l2, f32x4.mul(factor, left));
    r2 = f32x4.add(r2, f32x4.mul(factor, right));
    factor = v128.load32_splat(a3);
    l3 = f32x4.add(l3, f32x4.mul(factor, left));
    r3 = f32x4.add(r3, f32x4.mul(factor, right));
    a += column;
    a1 += column;
    a2 += column;
    a3 += column;
  }
  put(c, l0, r0, columns);
  put(c + stride, l1, r1, columns);
  put(c + 2 * stride, l2, r2, columns);
  put(c + 3 * stride, l3, r3, columns);
}

function row(a: usize, column: usize, panel: usize, c: usize, columns: usize, k: usize): void {
  let left = f32x4.splat(0);
  let right = f32x4.splat(0);
  for (const end = panel + k * across * 4; panel < end; panel += across * 4, a += column) {
    const factor = v128.load32_splat(a);
    left = f32x4.add(left, f32x4.mul(factor, v128.load(panel)));
    right = f32x4.add(right, f32x4.mul(factor, v128.load(panel, 16)));
  }
  put(c, left, right, columns);
}

/** The first `columns` of eight numbers. */
function put(c: usize, left: v128, right: v128, columns: usize): void {
  if (columns === across) {
    v128.store(c, left);
    v128.store(c, right, 16);
    return;
  }
  if (columns >= 4) {
    v128.store(c, left);
    c += 16;
    columns -= 4;
    left = right;
  }
  for (; columns > 0; columns--, c += 4) {
    store<f32>(c, f32x4.extract_lane(left, 0));
    left = v128.shuffle<f32>(left, left, 1, 2, 3, 0);
  }
}
