import { at, dot, gramNT, gramTN, item, Matrix, multiplyTN } from "@fedclair/linalg";

/**
 * The matrices Z_k·Z_kᵀ of all clients, n×n. If blocks are at least half as wide as they are tall,
 * summing their triangles is faster than multiplying the blocks. Also, |UᵀZ_k|² = ⟨UUᵀ, Z_k·Z_kᵀ⟩
 * does not depend on the width.
 */
export class Grams {
  readonly #rows: number;
  /**
   * One column for each client with its lower triangle. Off-diagonal entries are multiplied by √2,
   * so that inner products of matrices are inner products of columns.
   */
  readonly #packed: Matrix;
  /** |Z_k|² */
  readonly norms: Float64Array;

  constructor(blocks: readonly Matrix[]) {
    this.#rows = blocks[0]?.rows ?? 0;
    const n = this.#rows;
    this.#packed = new Matrix((n * (n + 1)) / 2, blocks.length);
    blocks.forEach((block, k) => {
      pack(gramNT(block), this.#packed.column(k));
    });
    this.norms = Float64Array.from(blocks, (block) => dot(block, block));
  }

  /** Sums the matrices of some clients, each times its weight; the weight is 1 by default. */
  sum(clients: readonly number[], weights?: readonly number[]): Matrix {
    const total = new Float64Array(this.#packed.rows);
    for (const k of clients) {
      const own = this.#packed.column(k);
      const weight = weights === undefined ? 1 : item(weights, k);
      for (let i = 0; i < total.length; i++) total[i] = at(total, i) + weight * at(own, i);
    }
    return unpack(total, this.#rows);
  }

  /**
   * Computes |UᵀZ_k|² of every client.
   * @param basis U, n×r, with orthonormal columns
   */
  inside(basis: Matrix): Float64Array {
    const projector = new Matrix(this.#packed.rows, 1);
    pack(gramNT(basis), projector.data);
    return multiplyTN(this.#packed, projector).data;
  }
}

/**
 * The inner products of all columns of a stack. The products among some clients are a submatrix, so
 * a fit to clients with fewer columns than rows costs no further product of blocks.
 */
export class ColumnGram {
  readonly #stack: Matrix;
  readonly #columns: readonly (readonly number[])[];
  #gram: Matrix | undefined;

  constructor(stack: Matrix, blocks: readonly Matrix[]) {
    let from = 0;
    this.#stack = stack;
    this.#columns = blocks.map(({ cols }) => Array.from({ length: cols }, () => from++));
  }

  /** ZᵀZ of some clients, if a fit to half of all needs it. */
  of(clients: readonly number[]): Matrix | undefined {
    const { rows, cols } = this.#stack;
    if (cols >= 2 * rows) return undefined;
    const columns = clients.flatMap((k) => item(this.#columns, k));
    if (columns.length >= rows) return undefined;
    return (this.#gram ??= gramTN(this.#stack)).among(columns);
  }
}

function pack({ rows, data }: Matrix, to: Float64Array): void {
  for (let j = 0, t = 0; j < rows; j++) {
    to[t++] = at(data, j + j * rows);
    for (let i = j + 1; i < rows; i++) to[t++] = at(data, i + j * rows) * Math.SQRT2;
  }
}

function unpack(packed: Float64Array, rows: number): Matrix {
  const out = new Matrix(rows, rows);
  for (let j = 0, t = 0; j < rows; j++) {
    out.data[j + j * rows] = at(packed, t++);
    for (let i = j + 1; i < rows; i++) {
      out.data[i + j * rows] = out.data[j + i * rows] = at(packed, t++) * Math.SQRT1_2;
    }
  }
  return out;
}
