import { kernelsOn, type Kernels } from "./kernels.js";

/** Most rows and columns of the result, and most terms of its sums, that are worked on at a time: 4 MiB together. */
export const extent = 512;
export const depth = 256;

const operandLength = extent * depth;
const boardAddress = 8 * (2 * operandLength + extent * extent);
const pages = boardAddress / 65_536 + 1;

/** Where on the board a message lies: how many blocks were handed out, how many strips of the last are open, its extents. */
export const slots = { blocks: 0, open: 1, m: 2, n: 3, k: 4 };

/** The packed operands and the result of one block of a product, in memory that threads can share. */
export class Packed {
  readonly memory: WebAssembly.Memory;
  /** Panels of four rows of A, each column by column. */
  readonly left: Float64Array;
  /** Panels of four columns of B, each row by row. */
  readonly right: Float64Array;
  /** Column-major. */
  readonly product: Float64Array;
  /** For messages between threads, in `slots`. */
  readonly board: Int32Array;
  readonly #kernels: Kernels;

  /** @param memory of another thread's instance; a new one by default */
  constructor(memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })) {
    this.memory = memory;
    this.left = new Float64Array(memory.buffer, 0, operandLength);
    this.right = new Float64Array(memory.buffer, 8 * operandLength, operandLength);
    this.product = new Float64Array(memory.buffer, 16 * operandLength, extent * extent);
    this.board = new Int32Array(memory.buffer, boardAddress, 8);
    this.#kernels = kernelsOn(memory);
  }

  /**
   * product ← product + left·right, or only its `share`-th strip of columns of `shares`.
   * @param m rows, a multiple of 4
   * @param n columns, a multiple of 4
   * @param k inner extent
   */
  multiply(m: number, n: number, k: number, share = 0, shares = 1): void {
    const strip = 4 * Math.ceil(n / 4 / shares);
    const from = Math.min(share * strip, n);
    const to = Math.min(from + strip, n);
    this.#kernels.multiplyBlock(
      this.left.byteOffset,
      this.right.byteOffset + 8 * from * k,
      this.product.byteOffset + 8 * from * m,
      m,
      to - from,
      k,
    );
  }
}
