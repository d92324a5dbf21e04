/** Replaces numbers below 0 by 0, in place. @param count a multiple of 4 */
export function relu(x: usize, count: usize): void {
  const none = f32x4.splat(0);
  for (const end = x + 4 * count; x < end; x += 16) v128.store(x, f32x4.max(v128.load(x), none));
}

/** dx ← dy where y is above 0, otherwise 0. @param count a multiple of 4 */
export function reluGradient(y: usize, dy: usize, count: usize, dx: usize): void {
  const none = f32x4.splat(0);
  for (const end = y + 4 * count; y < end; y += 16, dy += 16, dx += 16) {
    v128.store(dx, v128.and(v128.load(dy), f32x4.gt(v128.load(y), none)));
  }
}

/** value ← value - rate·gradient. @param count a multiple of 4 */
export function descend(value: usize, gradient: usize, count: usize, rate: f32): void {
  const factor = f32x4.splat(rate);
  for (const end = value + 4 * count; value < end; value += 16, gradient += 16) {
    const change = f32x4.mul(factor, v128.load(gradient));
    v128.store(value, f32x4.sub(v128.load(value), change));
  }
}

/**
 * A step of Adam (Kingma and Ba 2015, algorithm 1, in the order of operations at the end of its
 * section 2), in place.
 * @param count of each array, a multiple of 4
 * @param size the rate, corrected for the means' start at 0
 * @param least ε, corrected in the same way
 */
export function adam(
  value: usize,
  mean: usize,
  square: usize,
  gradient: usize,
  count: usize,
  beta1: f32,
  beta2: f32,
  size: f32,
  least: f32,
): void {
  const keep1 = f32x4.splat(beta1);
  const keep2 = f32x4.splat(beta2);
  const take1 = f32x4.splat(1 - beta1);
  const take2 = f32x4.splat(1 - beta2);
  for (let at: usize = 0; at < 4 * count; at += 16) {
    const g = v128.load(gradient + at);
    const m = f32x4.add(f32x4.mul(keep1, v128.load(mean + at)), f32x4.mul(take1, g));
    const squared = f32x4.mul(take2, f32x4.mul(g, g));
    const v = f32x4.add(f32x4.mul(keep2, v128.load(square + at)), squared);
    v128.store(mean + at, m);
    v128.store(square + at, v);
    const change = f32x4.div(
      f32x4.mul(f32x4.splat(size), m),
      f32x4.add(f32x4.sqrt(v), f32x4.splat(least)),
    );
    v128.store(value + at, f32x4.sub(v128.load(value + at), change));
  }
}
