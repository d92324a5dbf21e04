import { addMultiple, product } from "./vector";

/**
 * A linear layer, y = x·w, in float32. Matrices are row-major, with columns padded with zeros to a
 * multiple of 4. Four fifths of a digit image are background, and half of the outputs of a ReLU are
 * 0, so only the non-zero entries in the rows of x are used.
 */

/** Values of `start` that are not an address. */
const unchanged: usize = 0;
const zeros: usize = 1;

/**
 * y ← start + x·w
 * @param x rows×inputs
 * @param w inputs×width
 * @param y rows×width
 * @param start 0: the content of y; 1: zeros; otherwise the address of a bias, 1×width
 * @param places room for `inputs` addresses
 */
export function affine(
  x: usize,
  rows: usize,
  inputs: usize,
  w: usize,
  width: usize,
  y: usize,
  start: usize,
  places: usize,
): void {
  const stride = width * 4;
  for (let s: usize = 0; s < rows; s++, x += 4 * inputs, y += stride) {
    if (start === zeros) memory.fill(y, 0, stride);
    else if (start !== unchanged) memory.copy(y, start, stride);
    const end = nonZeros(x, inputs, places);
    let column: usize = 0;
    for (; column + 128 <= stride; column += 128)
      add32(x, w + column, stride, y + column, places, end);
    for (; column + 32 <= stride; column += 32)
      add8(x, w + column, stride, y + column, places, end);
    for (; column < stride; column += 16) add4(x, w + column, stride, y + column, places, end);
  }
}

/** g ← g + xᵀ·dy, and adds the sums of dy's columns to `bias`, unless that is 0. */
export function weightGradient(
  x: usize,
  rows: usize,
  inputs: usize,
  dy: usize,
  width: usize,
  g: usize,
  bias: usize,
  places: usize,
): void {
  const stride = width * 4;
  for (let s: usize = 0; s < rows; s++, x += 4 * inputs, dy += stride) {
    const end = nonZeros(x, inputs, places);
    for (let place = places; place < end; place += 4) {
      const at: usize = load<u32>(place);
      addMultiple(g + at * width, v128.load32_splat(x + at), dy, stride);
    }
    if (bias !== 0) addMultiple(bias, f32x4.splat(1), dy, stride);
  }
}

/**
 * dx ← dy·wᵀ, or 0 where `read` is 0: a unit that a ReLU cut off passes no gradient.
 * @param inputs number of inputs without padding
 * @param dx one row every `across` numbers
 * @param read in the same layout; 0: nothing is cut off
 * @param isAdded whether to add to the content of dx
 */
export function inputGradient(
  dy: usize,
  rows: usize,
  width: usize,
  w: usize,
  inputs: usize,
  dx: usize,
  across: usize,
  read: usize,
  isAdded: bool,
): void {
  const stride = width * 4;
  for (let s: usize = 0; s < rows; s++, dy += stride) {
    const row = s * across * 4;
    for (let i: usize = 0; i < inputs; i++) {
      const at = row + i * 4;
      if (read !== 0 && load<f32>(read + at) === 0) {
        store<f32>(dx + at, 0);
        continue;
      }
      const slope = product(dy, w + i * stride, stride);
      store<f32>(dx + at, isAdded ? load<f32>(dx + at) + slope : slope);
    }
  }
}

/**
 * Lists the non-zero numbers of a row, as byte offsets from its start.
 * @returns the end of the list
 */
function nonZeros(x: usize, inputs: usize, places: usize): usize {
  for (let at: usize = 0; at < 4 * inputs; at += 16) {
    if (!v128.any_true(v128.load(x + at))) continue;
    for (let i: usize = at; i < at + 16; i += 4) {
      store<u32>(places, i);
      places += 4 * usize(load<f32>(x + i) !== 0);
    }
  }
  return places;
}

/** y ← y + x·w for 32 columns, in eight registers. */
function add32(x: usize, w: usize, stride: usize, y: usize, places: usize, end: usize): void {
  let y0 = v128.load(y);
  let y1 = v128.load(y, 16);
  let y2 = v128.load(y, 32);
  let y3 = v128.load(y, 48);
  let y4 = v128.load(y, 64);
  let y5 = v128.load(y, 80);
  let y6 = v128.load(y, 96);
  let y7 = v128.load(y, 112);
  for (; places < end; places += 4) {
    const at: usize = load<u32>(places);
    const factor = v128.load32_splat(x + at);
    const row = w + (at >> 2) * stride;
    y0 = f32x4.add(y0, f32x4.mul(factor, v128.load(row)));
    y1 = f32x4.add(y1, f32x4.mul(factor, v128.load(row, 16)));
    y2 = f32x4.add(y2, f32x4.mul(factor, v128.load(row, 32)));
    y3 = f32x4.add(y3, f32x4.mul(factor, v128.load(row, 48)));
    y4 = f32x4.add(y4, f32x4.mul(factor, v128.load(row, 64)));
    y5 = f32x4.add(y5, f32x4.mul(factor, v128.load(row, 80)));
    y6 = f32x4.add(y6, f32x4.mul(factor, v128.load(row, 96)));
    y7 = f32x4.add(y7, f32x4.mul(factor, v128.load(row, 112)));
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
  v128.store(y, y2, 32);
  v128.store(y, y3, 48);
  v128.store(y, y4, 64);
  v128.store(y, y5, 80);
  v128.store(y, y6, 96);
  v128.store(y, y7, 112);
}

/** y ← y + x·w for 8 columns. */
function add8(x: usize, w: usize, stride: usize, y: usize, places: usize, end: usize): void {
  let y0 = v128.load(y);
  let y1 = v128.load(y, 16);
  for (; places < end; places += 4) {
    const at: usize = load<u32>(places);
    const factor = v128.load32_splat(x + at);
    const row = w + (at >> 2) * stride;
    y0 = f32x4.add(y0, f32x4.mul(factor, v128.load(row)));
    y1 = f32x4.add(y1, f32x4.mul(factor, v128.load(row, 16)));
  }
  v128.store(y, y0);
  v128.store(y, y1, 16);
}

/** y ← y + x·w for 4 columns. */
function add4(x: usize, w: usize, stride: usize, y: usize, places: usize, end: usize): void {
  let sum = v128.load(y);
  for (; places < end; places += 4) {
    const at: usize = load<u32>(places);
    const factor = v128.load32_splat(x + at);
    sum = f32x4.add(sum, f32x4.mul(factor, v128.load(w + (at >> 2) * stride)));
  }
  v128.store(y, sum);
}
