import { sizeOf, type Packed, type Tensor } from "./tensor.js";

/** How a tensor is cut into lines that have a scale each. */
interface Lines {
  readonly count: number;
  /** Numbers of a line beside one another, one behind the other; 1 where lines are columns. */
  readonly run: number;
}

/**
 * The lines of a matrix are its rows, or its columns where there are fewer; those of any other tensor the parts along its
 * first extent; a vector or a scalar is one line.
 */
export function linesOf(shape: readonly number[]): Lines {
  const [rows = 1, cols = 1] = shape;
  if (shape.length < 2) return { count: 1, run: Math.max(1, sizeOf(shape)) };
  if (shape.length === 2 && cols < rows) return { count: cols, run: 1 };
  return { count: rows, run: Math.max(1, sizeOf(shape.slice(1))) };
}

/** The line of the number at an index. */
export function lineAt(index: number, { count, run }: Lines): number {
  return Math.floor(index / run) % count;
}

/** The tensor of what has been packed; its data are float32. @throws RangeError unless there is a code for each number and a scale for each line */
export function unpack(shape: readonly number[], packed: Packed): Tensor {
  const { codes } = packed;
  const size = sizeOf(shape);
  if (codes.length !== size) throw new RangeError(`${codes.length} codes for ${size} numbers`);
  if (packed.dtype === "bf16") {
    const bits = new Uint32Array(size);
    for (let i = 0; i < size; i++) bits[i] = (codes[i] as number) << 16;
    return { shape, data: new Float32Array(bits.buffer), packed };
  }
  const { scales } = packed;
  const lines = linesOf(shape);
  if (scales.length !== lines.count) {
    throw new RangeError(`${scales.length} scales for ${lines.count} lines`);
  }
  const data = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    data[i] = (codes[i] as number) * (scales[lineAt(i, lines)] as number);
  }
  return { shape, data, packed };
}

/** To the nearest bfloat16 number (8 bits of significand), of two as near to the even one. */
export function toBfloat16({ shape, data }: Tensor): Tensor {
  const bits = new Uint32Array(Float32Array.from(data).buffer);
  const codes = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i++) {
    const u = bits[i] as number;
    const isNaN = (u & 0x7fff_ffff) > 0x7f80_0000;
    codes[i] = isNaN ? 0x7fc0 : (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  }
  return unpack(shape, { dtype: "bf16", codes });
}

/**
 * To multiples of 1/127 of the largest number of each line, up or down by chance so that the mean is the number itself.
 * @param uniform draws from [0, 1)
 */
export function toInt8({ shape, data }: Tensor, uniform: () => number): Tensor {
  const lines = linesOf(shape);
  const scales = new Float32Array(lines.count);
  for (let i = 0; i < data.length; i++) {
    const line = lineAt(i, lines);
    // NaN stays: such a line has no numbers, and is refused as the tensor would have been.
    scales[line] = Math.max(scales[line] as number, Math.abs(data[i] as number));
  }
  for (const [line, largest] of scales.entries()) {
    // Rounded up, so that no code is beyond 127 but those of the smallest numbers that there are.
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
  return unpack(shape, { dtype: "int8", codes, scales });
}
