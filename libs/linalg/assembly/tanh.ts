/** ln 2 in two parts: the first has zeros at its end, so that its product with a small whole number is exact. */
const ln2High: f64 = 6.9314718036912381649e-1;
const ln2Low: f64 = 1.90821492927058770002e-10;

/**
 * x ← tanh(x), in place, within 4 units of the last place: (e - 1)/(e + 1) with e = exp(2x) = 2ⁿ·exp(r), |r| ≤ ln(2)/2, and exp(r) - 1
 * by its series, so that nothing is lost near 0.
 * @param count even
 */
export function tanh(x: usize, count: usize): void {
  for (const end = x + count * 8; x < end; x += 16) v128.store(x, tanhOf(v128.load(x)));
}

function tanhOf(x: v128): v128 {
  // Beyond 20 the nearest number is 1. NaN passes both bounds.
  const doubled = f64x2.mul(
    f64x2.max(f64x2.min(x, f64x2.splat(20)), f64x2.splat(-20)),
    f64x2.splat(2),
  );
  const n = f64x2.nearest(f64x2.mul(doubled, f64x2.splat(1.4426950408889634)));
  let r = f64x2.sub(doubled, f64x2.mul(n, f64x2.splat(ln2High)));
  r = f64x2.sub(r, f64x2.mul(n, f64x2.splat(ln2Low)));
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
  const lessOne = f64x2.mul(sum, r);
  // 2ⁿ, of which n is small: its bits are those of n + 1023, far up.
  const bits = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(n));
  const power = i64x2.shl(i64x2.add(bits, i64x2.splat(1023)), 52);
  const e = f64x2.add(f64x2.mul(power, lessOne), f64x2.sub(power, f64x2.splat(1)));
  return f64x2.div(e, f64x2.add(e, f64x2.splat(2)));
}

function term(sum: v128, r: v128, factor: f64): v128 {
  return f64x2.add(f64x2.mul(sum, r), f64x2.splat(factor));
}
