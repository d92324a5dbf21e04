/** 1.5·2²³: adding it rounds a number to an integer, which is then in the lowest bits. */
const rounder: f32 = 12582912;

/**
 * exp of four numbers that are at most 0, within 2 units of the last place: 2ⁿ·exp(r) with |r| ≤
 * ln(2)/2, where exp(r) is the polynomial of Cephes' expf. Below -87, where float32 has no normal
 * numbers, the result is exp(-87), about 1e-38.
 */
export function exp(x: v128): v128 {
  // max, nearest and trunc_sat would take many instructions on x64.
  x = f32x4.pmax(x, f32x4.splat(-87));
  const shifted = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(rounder));
  const n = f32x4.sub(shifted, f32x4.splat(rounder));
  // ln 2 in two parts, so that the product with n is exact.
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), f32x4.splat(1));
  const exponent = i32x4.shl(i32x4.add(shifted, i32x4.splat(127)), 23);
  return f32x4.mul(p, exponent);
}
