/**
 * Rotates neighbouring columns of a panel of eight rows, in chains. A chain moves from column to
 * column to the left, and the left column of a rotation stays in registers as the right one of the
 * next.
 * @param panel column by column
 * @param chains for each chain a pair i, count, then that many pairs c, s: columns i and i + 1 are
 * multiplied by (c s; -s c), then i - 1 and i by the next, and so on
 * @param end the address after the last pair
 */
export function applyRotations(panel: usize, chains: usize, end: usize): void {
  while (chains < end) {
    let column = panel + usize(load<f64>(chains) + 1) * 64;
    const last = column - usize(load<f64>(chains, 8)) * 64;
    chains += 16;
    let x0 = v128.load(column);
    let x1 = v128.load(column, 16);
    let x2 = v128.load(column, 32);
    let x3 = v128.load(column, 48);
    for (; column > last; column -= 64, chains += 16) {
      const c = v128.load64_splat(chains);
      const s = v128.load64_splat(chains, 8);
      const left = column - 64;
      const y0 = v128.load(left);
      const y1 = v128.load(left, 16);
      const y2 = v128.load(left, 32);
      const y3 = v128.load(left, 48);
      v128.store(column, f64x2.add(f64x2.mul(s, y0), f64x2.mul(c, x0)));
      v128.store(column, f64x2.add(f64x2.mul(s, y1), f64x2.mul(c, x1)), 16);
      v128.store(column, f64x2.add(f64x2.mul(s, y2), f64x2.mul(c, x2)), 32);
      v128.store(column, f64x2.add(f64x2.mul(s, y3), f64x2.mul(c, x3)), 48);
      x0 = f64x2.sub(f64x2.mul(c, y0), f64x2.mul(s, x0));
      x1 = f64x2.sub(f64x2.mul(c, y1), f64x2.mul(s, x1));
      x2 = f64x2.sub(f64x2.mul(c, y2), f64x2.mul(s, x2));
      x3 = f64x2.sub(f64x2.mul(c, y3), f64x2.mul(s, x3));
    }
    v128.store(column, x0);
    v128.store(column, x1, 16);
    v128.store(column, x2, 32);
    v128.store(column, x3, 48);
  }
}
