import { lanes } from "./vector";

/**
 * Normalises rows to mean 0 and variance 1.
 * @param width a multiple of 4
 * @param scales receives the reciprocal of each row's deviation, for the gradient
 */
export function normalize(x: usize, rows: usize, width: usize, y: usize, scales: usize): void {
  const stride = width * 4;
  for (let row: usize = 0; row < rows; row++, x += stride, y += stride, scales += 4) {
    let sum = f32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) sum = f32x4.add(sum, v128.load(x + at));
    const mean = f32x4.splat(lanes(sum) / f32(width));
    let squares = f32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const centred = f32x4.sub(v128.load(x + at), mean);
      squares = f32x4.add(squares, f32x4.mul(centred, centred));
    }
    const scale: f32 = 1.0 / sqrt<f32>(lanes(squares) / f32(width) + 1e-5);
    store<f32>(scales, scale);
    const factor = f32x4.splat(scale);
    for (let at: usize = 0; at < stride; at += 16) {
      v128.store(y + at, f32x4.mul(f32x4.sub(v128.load(x + at), mean), factor));
    }
  }
}

/** dx ← scale·(dy - mean(dy) - y·mean(dy·y)), row by row. */
export function normalizeGradient(
  y: usize,
  scales: usize,
  dy: usize,
  rows: usize,
  width: usize,
  dx: usize,
): void {
  const stride = width * 4;
  for (
    let row: usize = 0;
    row < rows;
    row++, y += stride, dy += stride, dx += stride, scales += 4
  ) {
    let sum = f32x4.splat(0);
    let along = f32x4.splat(0);
    for (let at: usize = 0; at < stride; at += 16) {
      const slope = v128.load(dy + at);
      sum = f32x4.add(sum, slope);
      along = f32x4.add(along, f32x4.mul(slope, v128.load(y + at)));
    }
    const mean = f32x4.splat(lanes(sum) / f32(width));
    const part = f32x4.splat(lanes(along) / f32(width));
    const scale = v128.load32_splat(scales);
    for (let at: usize = 0; at < stride; at += 16) {
      const rest = f32x4.sub(
        f32x4.sub(v128.load(dy + at), mean),
        f32x4.mul(v128.load(y + at), part),
      );
      v128.store(dx + at, f32x4.mul(scale, rest));
    }
  }
}
