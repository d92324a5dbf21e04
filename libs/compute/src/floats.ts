import { allocate, deallocate, kernels, memory } from "./memory.js";

let unreleased = 0;

/** The number of matrices that are not released, for tests. */
export function unreleasedFloats(): number {
  return unreleased;
}

/**
 * A float32 matrix in the kernels' memory, rows×columns; it must be released. Its rows are padded
 * with zeros to a multiple of four numbers. The memory grows with what is in use at the same time,
 * and never shrinks.
 */
export class Floats {
  readonly rows: number;
  readonly columns: number;
  /** Number of columns including padding. */
  readonly width: number;
  readonly address: number;

  /** Creates a matrix of zeros. */
  constructor(rows: number, columns: number) {
    this.rows = rows;
    this.columns = columns;
    this.width = 4 * Math.ceil(columns / 4);
    this.address = allocate(4 * this.length);
    this.clear();
    unreleased++;
  }

  /** Number of entries including padding. */
  get length(): number {
    return this.rows * this.width;
  }

  /**
   * The entries including padding, row-major. Valid until the next matrix is created, because the
   * memory may move.
   */
  get data(): Float32Array {
    return new Float32Array(memory.buffer, this.address, this.length);
  }

  clear(): void {
    this.data.fill(0);
  }

  /** @param values of the first rows, row-major and not padded */
  write(values: ArrayLike<number>): this {
    const { data, columns, width } = this;
    if (columns === width) {
      data.set(values);
      return this;
    }
    for (let i = 0, start = 0; i < values.length; start += width) {
      for (let j = 0; j < columns; j++) data[start + j] = values[i++] ?? NaN;
    }
    return this;
  }

  /** @param values of the transpose, columns×rows, row-major and not padded */
  writeTransposed(values: ArrayLike<number>): this {
    const { data, rows, columns, width } = this;
    for (let j = 0, from = 0; j < columns; j++) {
      for (let i = 0, to = j; i < rows; i++, to += width) data[to] = values[from++] ?? NaN;
    }
    return this;
  }

  copy(): Floats {
    const copy = new Floats(this.rows, this.columns);
    copy.data.set(this.data);
    return copy;
  }

  /** @param values numbers; or bytes, which are divided by 255 */
  writeRow(row: number, values: Float32Array | Uint8Array): void {
    const { width } = this;
    const start = this.address + 4 * row * width;
    const { buffer } = memory;
    if (values instanceof Float32Array) {
      new Float32Array(buffer, start, width).set(values);
      return;
    }
    // Write to the last quarter of the row, so that the numbers never overwrite bytes that are yet
    // to be read.
    new Uint8Array(buffer, start + 3 * width, width).set(values);
    kernels.inUnits(start + 3 * width, width, start);
  }

  /** @param rows number of rows to read, from the first @returns row-major, not padded */
  read(rows = this.rows): Float32Array {
    const { data, columns, width } = this;
    if (columns === width) return data.slice(0, rows * width);
    const values = new Float32Array(rows * columns);
    for (let i = 0, start = 0; i < values.length; start += width) {
      for (let j = 0; j < columns; j++) values[i++] = data[start + j] ?? NaN;
    }
    return values;
  }

  /** @returns the transpose, columns×rows, row-major, not padded */
  readTransposed(): Float32Array {
    const { data, rows, columns, width } = this;
    const values = new Float32Array(columns * rows);
    for (let j = 0, to = 0; j < columns; j++) {
      for (let i = 0, from = j; i < rows; i++, from += width) values[to++] = data[from] ?? NaN;
    }
    return values;
  }

  release(): void {
    deallocate(this.address, 4 * this.length);
    unreleased--;
  }
}
