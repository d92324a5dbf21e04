import { lanes } from "./vector";

/**
 * One sweep of one-sided Jacobi: rotates each pair of columns whose first `rows` entries are not orthogonal, over their
 * whole height.
 * @param a column-major, n columns of `stride` entries
 * @param stride even
 * @param rows even
 * @param threshold cosine up to which two columns count as orthogonal
 * @returns whether a pair was rotated; always, if an entry is not finite
 */
export function jacobiSweep(a: usize, stride: usize, rows: usize, n: usize, threshold: f64): bool {
  let rotated = false;
  for (let i: usize = 0; i + 1 < n; i++) {
    for (let j = i + 1; j < n; j++) {
      if (rotatePair(a + i * stride * 8, a + j * stride * 8, stride * 8, rows * 8, threshold)) {
        rotated = true;
      }
    }
  }
  return rotated;
}

function rotatePair(x: usize, y: usize, height: usize, rows: usize, threshold: f64): bool {
  let xSquares = f64x2.splat(0);
  let ySquares = f64x2.splat(0);
  let products = f64x2.splat(0);
  for (let k: usize = 0; k < rows; k += 16) {
    const u = v128.load(x + k);
    const v = v128.load(y + k);
    xSquares = f64x2.add(xSquares, f64x2.mul(u, u));
    ySquares = f64x2.add(ySquares, f64x2.mul(v, v));
    products = f64x2.add(products, f64x2.mul(u, v));
  }
  const xx = lanes(xSquares);
  const yy = lanes(ySquares);
  const xy = lanes(products);
  // `<=` also ends on zero columns; NaN never passes.
  if (abs(xy) <= threshold * sqrt(xx) * sqrt(yy)) return false;
  const zeta = (yy - xx) / (2 * xy);
  const t = (zeta < 0 ? -1 : 1) / (abs(zeta) + sqrt(1 + zeta * zeta));
  const c = 1 / sqrt(1 + t * t);
  const cosine = f64x2.splat(c);
  const sine = f64x2.splat(c * t);
  // The longer column comes first: unsorted, widely spread columns hardly converge (de Rijk, 1989).
  const lost = xx < yy ? y : x;
  const gained = xx < yy ? x : y;
  for (let k: usize = 0; k < height; k += 16) {
    const u = v128.load(x + k);
    const v = v128.load(y + k);
    v128.store(lost + k, f64x2.sub(f64x2.mul(cosine, u), f64x2.mul(sine, v)));
    v128.store(gained + k, f64x2.add(f64x2.mul(sine, u), f64x2.mul(cosine, v)));
  }
  return true;
}
