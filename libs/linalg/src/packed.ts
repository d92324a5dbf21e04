import { kernelsOn, type Kernels } from "./kernels.js";

/** The largest block of a product: rows and columns of the result, and terms of its sums. 6 MiB with the operands. */
export const extent = 512;
export const depth = 256;

const operandLength = extent * depth;
const boardAddress = 8 * (4 * operandLength + extent * extent);
const pages = boardAddress / 65_536 + 1;

/** Columns of the result that a thread takes at a time: few, so that a slower thread does not keep the others waiting. */
const stripWidth = 32;

/**
 * Where on the board a number lies: how many blocks were handed out; and of the latest, how many helpers are still at it,
 * the next strip that nobody has taken, which operands it has, and its extents.
 */
export const slots = { blocks: 0, busy: 1, strip: 2, turn: 3, m: 4, n: 5, k: 6 };

/** What one block of a product is made of. */
export interface Operands {
  /** Panels of eight rows of A, each column by column. */
  readonly left: Float64Array;
  /** Panels of two columns of B, each row by row. */
  readonly right: Float64Array;
}

/** Which of the two operands. */
export type Turn = 0 | 1;

/** The packed operands and the result of one block of a product, in memory that threads can share. */
export class Packed {
  readonly memory: WebAssembly.Memory;
  /** Two, used by turns: one is packed while the other is multiplied. */
  readonly operands: readonly [Operands, Operands];
  /** Column-major. */
  readonly product: Float64Array;
  /** For messages between threads, in `slots`. */
  readonly board: Int32Array;
  readonly #kernels: Kernels;

  /** @param memory of another thread's instance; a new one by default */
  constructor(memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })) {
    this.memory = memory;
    const operand = (i: number) =>
      new Float64Array(memory.buffer, 8 * i * operandLength, operandLength);
    this.operands = [
      { left: operand(0), right: operand(1) },
      { left: operand(2), right: operand(3) },
    ];
    this.product = new Float64Array(memory.buffer, 32 * operandLength, extent * extent);
    this.board = new Int32Array(memory.buffer, boardAddress, 8);
    this.#kernels = kernelsOn(memory);
  }

  /**
   * product ← product + left·right.
   * @param turn which operands
   * @param m rows, a multiple of 8
   * @param n columns, a multiple of 2
   * @param k inner extent
   */
  multiply(turn: Turn, m: number, n: number, k: number): void {
    this.#multiplyColumns(this.operands[turn], 0, n, m, k);
  }

  /** Multiplies strips of the block on the board until all of them are taken. */
  multiplyStrips(): void {
    const [turn = 0, m = 0, n = 0, k = 0] = this.board.subarray(slots.turn, slots.k + 1);
    const operands = this.operands[turn === 0 ? 0 : 1];
    for (;;) {
      const from = stripWidth * Atomics.add(this.board, slots.strip, 1);
      if (from >= n) return;
      this.#multiplyColumns(operands, from, Math.min(from + stripWidth, n), m, k);
    }
  }

  #multiplyColumns(
    { left, right }: Operands,
    from: number,
    to: number,
    m: number,
    k: number,
  ): void {
    this.#kernels.multiplyBlock(
      left.byteOffset,
      right.byteOffset + 8 * from * k,
      this.product.byteOffset + 8 * from * m,
      m,
      to - from,
      k,
    );
  }
}

/** How often a thread reads a slot, for about a millisecond, before it sleeps: to wake it costs as much as a small block. */
const awake = 100_000;

/** Returns once the slot holds anything but the value. */
export function untilChanged(board: Int32Array, slot: number, value: number): void {
  for (let i = 0; i < awake; i++) if (Atomics.load(board, slot) !== value) return;
  Atomics.wait(board, slot, value);
}
