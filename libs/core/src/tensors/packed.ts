import { readNumbers, sizeOf, type Half, type Int8, type Packed, type Tensor } from "./tensor.js";
import { lineAt, linesOf } from "./unpack.js";

/**
 * Checks the sizes of a packed tensor.
 * @throws RangeError unless there is a code for each number and a scale for each line
 */
export function checkPacked(tensor: Packed): void {
  const size = sizeOf(tensor.shape);
  const { codes } = tensor;
  if (codes.length !== size) throw new RangeError(`${codes.length} codes for ${size} numbers`);
  if (tensor.dtype !== "int8") return;
  const { count } = linesOf(tensor.shape);
  if (tensor.scales.length !== count) {
    throw new RangeError(`${tensor.scales.length} scales for ${count} lines`);
  }
}

/**
 * Packs a tensor as bfloat16 (8 bits of significand). Numbers are rounded to the nearest, ties to
 * even.
 */
export function toBfloat16(tensor: Tensor): Half {
  const bits = new Uint32Array(Float32Array.from(readNumbers(tensor)).buffer);
  const codes = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i] as number;
    const isNaN = (u & 0x7fff_ffff) > 0x7f80_0000;
    codes[i] = isNaN ? 0x7fc0 : (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  }
  return { shape: tensor.shape, dtype: "bf16", codes };
}

/**
 * Packs a tensor in multiples of 1/127 of the largest number of each line. Numbers are rounded up
 * or down at random, so that the expected value is the number itself.
 * @param uniform draws from [0, 1)
 */
export function toInt8(tensor: Tensor, uniform: () => number): Int8 {
  const { shape } = tensor;
  const data = readNumbers(tensor);
  const lines = linesOf(shape);
  const scales = new Float32Array(lines.count);
  for (let i = 0; i < data.length; i++) {
    const line = lineAt(i, lines);
    // NaN stays, so that the admission of the update rejects it.
    scales[line] = Math.max(scales[line] as number, Math.abs(data[i] as number));
  }
  for (const [line, largest] of scales.entries()) {
    // Rounded up, so that no code exceeds 127 except for the smallest float32 numbers.
    scales[line] = (largest / 127) * (1 + 2 ** -22);
  }
  const codes = new Int8Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const scale = scales[lineAt(i, lines)] as number;
    const code = scale === 0 ? 0 : (data[i] as number) / scale;
    const below = Math.floor(code);
    const rounded = below + (uniform() < code - below ? 1 : 0);
    codes[i] = Math.max(-127, Math.min(127, rounded));
  }
  return { shape, dtype: "int8", codes, scales };
}
