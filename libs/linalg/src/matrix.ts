import { item } from "./at.js";
import { zeros } from "./lists.js";

/**
 * A dense real matrix in column-major order: entry (i, j) is `data[i + j * rows]`. Columns are
 * contiguous, so a block of columns is a view, and the inner loops of all kernels run down a
 * column.
 */
export class Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;

  /**
   * @param data column-major, of length rows · cols, not copied; zeros by default
   * @throws RangeError if the extents are not integers of at least 0, or the length does not fit
   */
  constructor(rows: number, cols: number, data: Float64Array = new Float64Array(rows * cols)) {
    requireLength(rows, cols, data.length);
    this.rows = rows;
    this.cols = cols;
    this.data = data;
  }

  /**
   * Copies entries in row-major order, as in a tensor.
   * @throws RangeError as the constructor does
   */
  static fromRowMajor(rows: number, cols: number, entries: ArrayLike<number>): Matrix {
    requireLength(rows, cols, entries.length);
    const out = new Matrix(rows, cols);
    // The shorter extent is in the inner loop, so that few places in memory are read and written at
    // a time.
    if (rows < cols) {
      for (let j = 0, t = 0; j < cols; j++) {
        for (let i = 0; i < rows; i++, t++) out.data[t] = entries[i * cols + j] as number;
      }
    } else {
      for (let i = 0, s = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++, s++) out.data[i + j * rows] = entries[s] as number;
      }
    }
    return out;
  }

  /** @throws RangeError if the rows differ in length */
  static fromRows(rows: readonly (readonly number[])[]): Matrix {
    const cols = rows[0]?.length ?? 0;
    const ragged = rows.findIndex((row) => row.length !== cols);
    if (ragged >= 0) {
      throw new RangeError(
        `row ${ragged} has ${item(rows, ragged).length} entries, row 0 has ${cols}`,
      );
    }
    return Matrix.fromRowMajor(rows.length, cols, rows.flat());
  }

  static identity(size: number): Matrix {
    const identity = new Matrix(size, size);
    for (let i = 0; i < size; i++) identity.data[i * (size + 1)] = 1;
    return identity;
  }

  /** Entry (i, j). @throws RangeError if there is no such entry */
  get(i: number, j: number): number {
    const isRow = i >= 0 && i < this.rows;
    const entry = isRow && Number.isInteger(j) ? this.data[i + j * this.rows] : undefined;
    if (entry === undefined) throw this.#outside(`entry (${i}, ${j})`);
    return entry;
  }

  /** Column j, as a view. @throws RangeError if there is no such column */
  column(j: number): Float64Array {
    if (!(j >= 0 && j < this.cols && Number.isInteger(j))) throw this.#outside(`column ${j}`);
    return this.data.subarray(j * this.rows, (j + 1) * this.rows);
  }

  /** Columns `from` … `to` - 1, as a view. @throws RangeError if there are no such columns */
  columns(from: number, to: number): Matrix {
    if (
      !(
        from >= 0 &&
        from <= to &&
        to <= this.cols &&
        Number.isInteger(from) &&
        Number.isInteger(to)
      )
    ) {
      throw this.#outside(`columns ${from} to ${to}`);
    }
    return new Matrix(this.rows, to - from, this.data.subarray(from * this.rows, to * this.rows));
  }

  /**
   * The submatrix with the given rows and columns, in the given order.
   * @throws RangeError if an index is out of range
   */
  among(numbers: readonly number[]): Matrix {
    const out = new Matrix(numbers.length, numbers.length, zeros(numbers.length ** 2));
    const outside = numbers.find((k) => !(k >= 0 && k < Math.min(this.rows, this.cols)));
    if (outside !== undefined) throw this.#outside(`entry (${outside}, ${outside})`);
    const rows = Int32Array.from(numbers);
    for (let j = 0, t = 0; j < rows.length; j++) {
      const column = this.rows * (rows[j] as number);
      for (let i = 0; i < rows.length; i++, t++)
        out.data[t] = this.data[column + (rows[i] as number)] as number;
    }
    return out;
  }

  copy(): Matrix {
    return new Matrix(this.rows, this.cols, this.data.slice());
  }

  transpose(): Matrix {
    const { rows, cols, data } = this;
    const out = new Matrix(cols, rows);
    for (let j = 0; j < cols; j++) {
      for (let i = 0; i < rows; i++) out.data[j + i * cols] = data[i + j * rows] as number;
    }
    return out;
  }

  /** A new matrix with every entry multiplied by `factor`. */
  scale(factor: number): Matrix {
    const out = new Matrix(this.rows, this.cols);
    scaleInto(out.data, 0, this.data, factor);
    return out;
  }

  /** The entries in row-major order, as in a tensor. */
  toRowMajor(): Float64Array {
    return this.transpose().data;
  }

  toRows(): number[][] {
    const { rows, cols } = this;
    return Array.from({ length: rows }, (_, i) =>
      Array.from({ length: cols }, (_, j) => this.get(i, j)),
    );
  }

  #outside(what: string): RangeError {
    return new RangeError(`no ${what} in a ${this.rows}×${this.cols} matrix`);
  }
}

/**
 * [A B …] side by side.
 * @param factors one for each block, multiplied with it; 1 by default
 * @throws RangeError if heights differ, or a factor is missing
 */
export function hstack(blocks: readonly Matrix[], factors?: ArrayLike<number>): Matrix {
  const rows = blocks[0]?.rows ?? 0;
  const out = new Matrix(
    rows,
    blocks.reduce((cols, block) => cols + block.cols, 0),
  );
  let offset = 0;
  for (const [k, { rows: height, data }] of blocks.entries()) {
    if (height !== rows) {
      throw new RangeError(`hstack: expected ${rows} rows in every block, got ${height}`);
    }
    const factor = factors === undefined ? 1 : item(factors, k);
    if (factor === 1) out.data.set(data, offset);
    else scaleInto(out.data, offset, data, factor);
    offset += data.length;
  }
  return out;
}

/** y ← y + factor · x, in place. @throws RangeError if shapes differ */
export function addScaled(y: Matrix, factor: number, x: Matrix): void {
  if (x.rows !== y.rows || x.cols !== y.cols) {
    throw new RangeError(`addScaled: ${y.rows}×${y.cols} and ${x.rows}×${x.cols} differ`);
  }
  const target = y.data;
  const source = x.data;
  for (let i = 0; i < target.length; i++) {
    target[i] = (target[i] as number) + factor * (source[i] as number);
  }
}

/** A - factor · B, a new matrix. @throws RangeError if shapes differ */
export function subtract(a: Matrix, b: Matrix, factor = 1): Matrix {
  if (a.rows !== b.rows || a.cols !== b.cols) {
    throw new RangeError(`subtract: ${a.rows}×${a.cols} and ${b.rows}×${b.cols} differ`);
  }
  const out = new Matrix(a.rows, a.cols);
  const [target, left, right] = [out.data, a.data, b.data];
  for (let i = 0; i < target.length; i++) {
    target[i] = (left[i] as number) - factor * (right[i] as number);
  }
  return out;
}

/** target[offset + i] ← factor · source[i] */
function scaleInto(
  target: Float64Array,
  offset: number,
  source: Float64Array,
  factor: number,
): void {
  for (let i = 0; i < source.length; i++) target[offset + i] = factor * (source[i] as number);
}

function requireLength(rows: number, cols: number, length: number): void {
  if (Number.isInteger(rows) && Number.isInteger(cols) && rows >= 0 && length === rows * cols)
    return;
  throw new RangeError(`a ${rows}×${cols} matrix has ${rows * cols} entries, got ${length}`);
}
