import { kernelsOn, type Kernels } from "./kernels.js";

/** Most rows and columns of the result, and most terms of its sums, that are worked on at a time: 4 MiB together. */
export const extent = 512;
export const depth = 256;

const operandLength = extent * depth;
const boardAddress = 8 * (2 * operandLength + extent * extent);
const pages = boardAddress / 65_536 + 1;

/** Columns of the result that a thread takes at a time: few, so that a slower thread does not keep the others waiting. */
const stripWidth = 32;

/** Where on the board a message lies: how many blocks were handed out; helpers still at the last, its next strip, its extents. */
export const slots = { blocks: 0, busy: 1, strip: 2, m: 3, n: 4, k: 5 };

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
   * product ← product + left·right.
   * @param m rows, a multiple of 4
   * @param n columns, a multiple of 4
   * @param k inner extent
   */
  multiply(m: number, n: number, k: number): void {
    this.#multiplyColumns(0, n, m, k);
  }

  /** Does strips of the block on the board, as long as no other thread has taken them. */
  multiplyStrips(): void {
    const [m = 0, n = 0, k = 0] = this.board.subarray(slots.m, slots.k + 1);
    for (;;) {
      const from = stripWidth * Atomics.add(this.board, slots.strip, 1);
      if (from >= n) return;
      this.#multiplyColumns(from, Math.min(from + stripWidth, n), m, k);
    }
  }

  #multiplyColumns(from: number, to: number, m: number, k: number): void {
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

/** Loads of a slot, about a millisecond of them, that a thread waits awake: to wake one up costs as much as a small block. */
const awake = 100_000;

/** Returns once the slot holds anything but the value. */
export function untilChanged(board: Int32Array, slot: number, value: number): void {
  for (let i = 0; i < awake; i++) if (Atomics.load(board, slot) !== value) return;
  Atomics.wait(board, slot, value);
}
