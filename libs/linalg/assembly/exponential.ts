/**
 * ln 2 in two parts: the first ends with zero bits, so that its product with a small integer is
 * exact.
 */
const ln2High: f64 = 6.9314718036912381649e-1;
const ln2Low: f64 = 1.90821492927058770002e-10;

/**
 * Adding this to a number between -2⁵¹ and 2⁵¹ rounds that number to an integer, stored in the last
 * bits of the sum.
 */
const rounder: f64 = 6755399441055744;

/**
 * x ← exp(x), in place, within 4 units of the last place; beyond ±708 the result is that of ±708.
 * @param count even
 */
export function exp(x: usize, count: usize): void {
  for (const end = x + count * 8; x < end; x += 16) {
    const y = bounded(v128.load(x), 708);
    const n = wholePart(y);
    const power = powerOfTwo(n);
    v128.store(x, f64x2.add(power, f64x2.mul(power, restLessOne(y, n))));
  }
}

/**
 * x ← tanh(x), in place, within 4 units of the last place: (e - 1)/(e + 1) with e = exp(2x) =
 * 2ⁿ·exp(r), |r| ≤ ln(2)/2. A series gives exp(r) - 1, so no digits are lost near 0.
 * @param count even
 */
export function tanh(x: usize, count: usize): void {
  for (const end = x + count * 8; x < end; x += 16) {
    // Beyond 20 the nearest number is 1.
    const doubled = f64x2.mul(bounded(v128.load(x), 20), f64x2.splat(2));
    const n = wholePart(doubled);
    const power = powerOfTwo(n);
    const lessOne = f64x2.mul(power, restLessOne(doubled, n));
    const e = f64x2.add(lessOne, f64x2.sub(power, f64x2.splat(1)));
    v128.store(x, f64x2.div(e, f64x2.add(e, f64x2.splat(2))));
  }
}

/** Clamps to ±most. NaN passes through; `min` and `max` would take several instructions each. */
function bounded(x: v128, most: f64): v128 {
  return f64x2.pmax(f64x2.pmin(x, f64x2.splat(most)), f64x2.splat(-most));
}

/** Computes n = round(x/ln 2), plus `rounder`. */
function wholePart(x: v128): v128 {
  return f64x2.add(f64x2.mul(x, f64x2.splat(1.4426950408889634)), f64x2.splat(rounder));
}

/** 2ⁿ: the bits of n + 1023, shifted into the exponent. */
function powerOfTwo(n: v128): v128 {
  return i64x2.shl(i64x2.add(n, i64x2.splat(1023)), 52);
}

/** exp(x - n·ln 2) - 1 */
function restLessOne(x: v128, n: v128): v128 {
  const whole = f64x2.sub(n, f64x2.splat(rounder));
  let r = f64x2.sub(x, f64x2.mul(whole, f64x2.splat(ln2High)));
  r = f64x2.sub(r, f64x2.mul(whole, f64x2.splat(ln2Low)));
  // Σ rⁱ/i! for i = 1 … 14, from the last.
  let sum = f64x2.splat(1.0 / 87178291200.0);
  sum = term(sum, r, 1.0 / 6227020800.0);
  sum = term(sum, r, 1.0 / 479001600.0);
  sum = term(sum, r, 1.0 / 39916800.0);
  sum = term(sum, r, 1.0 / 3628800.0);
  sum = term(sum, r, 1.0 / 362880.0);
  sum = term(sum, r, 1.0 / 40320.0);
  sum = term(sum, r, 1.0 / 5040.0);
  sum = term(sum, r, 1.0 / 720.0);
  sum = term(sum, r, 1.0 / 120.0);
  sum = term(sum, r, 1.0 / 24.0);
  sum = term(sum, r, 1.0 / 6.0);
  sum = term(sum, r, 0.5);
  sum = term(sum, r, 1);
  return f64x2.mul(sum, r);
}

function term(sum: v128, r: v128, factor: f64): v128 {
  return f64x2.add(f64x2.mul(sum, r), f64x2.splat(factor));
}
