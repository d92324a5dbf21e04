import type { Block } from "./block.js";
import { createKernels, type Kernels } from "./kernels.js";

const pageBytes = 65_536;
const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536, shared: true });
const kernels = createKernels(memory);
/** Number of bytes in use. */
let used = 0;

/** The kernels and the memory that they work on. */
export interface Scratch {
  readonly kernels: Kernels;
  /** Allocates `length` zeros at an address that is a multiple of 16. */
  readonly array: (length: number) => Float64Array;
  /**
   * Allocates a zero matrix with columns at addresses that are multiples of 16; an odd number of
   * rows is followed by a zero.
   */
  readonly block: (rows: number, cols: number) => Block;
}

const scratch: Scratch = { kernels, array, block };

/**
 * Lends scratch memory to `work` until it returns; calls may be nested. The memory grows with the
 * largest problem so far and never shrinks, because WebAssembly memory cannot.
 * @throws RangeError if 4 GiB do not suffice
 */
export function withScratch<T>(work: (scratch: Scratch) => T): T {
  const start = used;
  try {
    return work(scratch);
  } finally {
    used = start;
  }
}

/** The address of a block in the kernels' memory. */
export function addressOf({ data, offset }: Block): number {
  return data.byteOffset + 8 * offset;
}

function array(length: number): Float64Array {
  const address = used;
  used += Math.ceil(length / 2) * 16;
  const missing = used - memory.buffer.byteLength;
  // Arrays stay valid when the memory grows, because it is shared.
  if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
  return new Float64Array(memory.buffer, address, length).fill(0);
}

function block(rows: number, cols: number): Block {
  const across = rows + (rows % 2);
  return { data: array(across * cols), offset: 0, rows, cols, down: 1, across };
}
