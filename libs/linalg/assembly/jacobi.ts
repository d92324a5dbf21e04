import { lanes } from "./vector";

/** 2^-900: smaller sums of squares have lost digits to underflow. */
const leastSquares: f64 = 1.1830521861667747e-271;
/**
 * 2^-960: a column with only smaller entries has too few digits to be made orthogonal to another,
 * and counts as zero.
 */
const leastEntry: f64 = 1.0261342003245941e-289;
/**
 * 2^60: if one column is this many times longer than the other, a rotation of the two leaves it
 * unchanged to rounding.
 */
const farLonger: f64 = 1152921504606846976;
/** 2^30: for a larger ζ, 1 + ζ² equals ζ² to rounding; for a much larger one it overflows. */
const steep: f64 = 1073741824;

/**
 * One sweep of one-sided Jacobi: rotates, over their whole height, all pairs of columns whose first
 * `rows` entries are not orthogonal.
 * @param a column-major, n columns of `stride` entries, |entry| at most 2^480
 * @param stride even
 * @param rows even
 * @param threshold cosine up to which two columns count as orthogonal
 * @returns whether a pair was rotated
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
  if (min(xx, yy) < leastSquares) return rotateTinyPair(x, y, height, rows, threshold);
  const xy = lanes(products);
  if (abs(xy) <= threshold * sqrt(xx) * sqrt(yy)) return false;
  turn(x, y, height, (yy - xx) / (2 * xy), xx < yy);
  return true;
}

/** Rotates columns whose squares underflow; each is scaled by a power of two of its own. */
function rotateTinyPair(x: usize, y: usize, height: usize, rows: usize, threshold: f64): bool {
  const xLargest = largestEntry(x, rows);
  const yLargest = largestEntry(y, rows);
  if (min(xLargest, yLargest) < leastEntry) return false;
  const xScale = inversePowerOfTwo(xLargest);
  const yScale = inversePowerOfTwo(yLargest);
  let xx: f64 = 0;
  let yy: f64 = 0;
  let xy: f64 = 0;
  for (let k: usize = 0; k < rows; k += 8) {
    const u = load<f64>(x + k) * xScale;
    const v = load<f64>(y + k) * yScale;
    xx += u * u;
    yy += v * v;
    xy += u * v;
  }
  if (abs(xy) <= threshold * sqrt(xx) * sqrt(yy)) return false;
  const ratio = xScale / yScale;
  if (ratio > farLonger) subtractProjection(x, y, height, y, yScale, xy / yy / xScale);
  else if (ratio < 1 / farLonger) subtractProjection(x, y, height, x, xScale, xy / xx / yScale);
  else {
    const difference = yy * ratio - xx / ratio;
    turn(x, y, height, difference / (2 * xy), difference > 0);
  }
  return true;
}

/**
 * Rotates two columns whose lengths differ so much that the longer one stays unchanged: its
 * projection is subtracted from the shorter one. The longer column is stored first.
 * @param longer x or y
 * @param scale of the longer one
 * @param factor multiplies the scaled longer column before it is subtracted
 */
function subtractProjection(
  x: usize,
  y: usize,
  height: usize,
  longer: usize,
  scale: f64,
  factor: f64,
): void {
  const shorter = longer == x ? y : x;
  for (let k: usize = 0; k < height; k += 8) {
    const long = load<f64>(longer + k);
    const rest = load<f64>(shorter + k) - factor * (scale * long);
    store<f64>(x + k, long);
    store<f64>(y + k, rest);
  }
}

/**
 * Rotates two columns with squared lengths xx and yy and inner product xy until they are
 * orthogonal.
 * @param zeta (yy - xx)/(2·xy)
 * @param yLonger whether xx < yy
 */
function turn(x: usize, y: usize, height: usize, zeta: f64, yLonger: bool): void {
  const root = abs(zeta) < steep ? sqrt(1 + zeta * zeta) : abs(zeta);
  const t = (zeta < 0 ? -1 : 1) / (abs(zeta) + root);
  const c = 1 / sqrt(1 + t * t);
  const cosine = f64x2.splat(c);
  const sine = f64x2.splat(c * t);
  // The longer column comes first: unsorted columns of very different lengths hardly converge (de
  // Rijk, 1989).
  const lost = yLonger ? y : x;
  const gained = yLonger ? x : y;
  for (let k: usize = 0; k < height; k += 16) {
    const u = v128.load(x + k);
    const v = v128.load(y + k);
    v128.store(lost + k, f64x2.sub(f64x2.mul(cosine, u), f64x2.mul(sine, v)));
    v128.store(gained + k, f64x2.add(f64x2.mul(sine, u), f64x2.mul(cosine, v)));
  }
}

function largestEntry(x: usize, rows: usize): f64 {
  let largest: f64 = 0;
  for (let k: usize = 0; k < rows; k += 8) largest = max(largest, abs(load<f64>(x + k)));
  return largest;
}

/** The power of two that scales a positive, normal x into 1 … 2. */
function inversePowerOfTwo(x: f64): f64 {
  return reinterpret<f64>((2046 - (reinterpret<u64>(x) >> 52)) << 52);
}
