/** How a tensor is divided into lines that have a scale each. */
interface Lines {
  readonly count: number;
  /** The number of consecutive entries of one line; 1 where lines are columns. */
  readonly run: number;
}

/**
 * Divides a tensor into lines. The lines of a matrix are its rows, or its columns if there are
 * fewer columns. A vector or a scalar is one line. Any other tensor has a line for each index of
 * its first dimension.
 */
export function linesOf(shape: readonly number[]): Lines {
  const [rows = 1, cols = 1, ...rest] = shape;
  const size = (extents: readonly number[]) => extents.reduce((product, n) => product * n, 1);
  if (shape.length < 2) return { count: 1, run: Math.max(1, rows) };
  if (shape.length === 2 && cols < rows) return { count: cols, run: 1 };
  return { count: rows, run: Math.max(1, cols * size(rest)) };
}

/** The line of the number at an index. */
export function lineAt(index: number, { count, run }: Lines): number {
  return Math.floor(index / run) % count;
}

/** Allocates memory that belongs to one thread or that threads share. It need not be zeroed. */
export type Allocate = (bytes: number) => ArrayBuffer | SharedArrayBuffer;

export const ofOneThread: Allocate = (bytes) => new ArrayBuffer(bytes);

/** The numbers of bfloat16 codes. */
export function unpackBfloat16(codes: Uint16Array, allocate = ofOneThread): Float32Array {
  const bits = new Uint32Array(allocate(4 * codes.length));
  for (let i = 0; i < codes.length; i++) bits[i] = (codes[i] as number) << 16;
  return new Float32Array(bits.buffer);
}

/** Looks numbers up by their bits, which is many times as fast as computing each of them. */
export function lookUp(
  bits: Uint8Array | Uint16Array,
  table: Float32Array,
  allocate: Allocate,
): Float32Array {
  const out = new Float32Array(allocate(4 * bits.length));
  for (let i = 0; i < out.length; i++) out[i] = table[bits[i] as number] as number;
  return out;
}

let halfTable: Float32Array | undefined;

/** The numbers of IEEE 754 binary16 codes. */
export function unpackFloat16(codes: Uint16Array, allocate = ofOneThread): Float32Array {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, bits) => halfToNumber(bits));
  return lookUp(codes, halfTable, allocate);
}

/** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The numbers of 8-bit codes: each is its code times the scale of its line. */
export function unpackInt8(
  shape: readonly number[],
  codes: Int8Array,
  scales: Float32Array,
): Float32Array {
  const lines = linesOf(shape);
  const data = new Float32Array(codes.length);
  for (let i = 0; i < codes.length; i++) {
    data[i] = (codes[i] as number) * (scales[lineAt(i, lines)] as number);
  }
  return data;
}
