/** The sum of the four lanes. */
export function lanes(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** to ← to + factor·from, `bytes` of them: a multiple of 16. */
export function addMultiple(to: usize, factor: v128, from: usize, bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const sum = f32x4.add(v128.load(to + at), f32x4.mul(factor, v128.load(from + at)));
    v128.store(to + at, sum);
  }
}

/** Σ a·b over `bytes` of each: a multiple of 16. */
export function product(a: usize, b: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(a + at), v128.load(b + at)));
  }
  return lanes(sum);
}
