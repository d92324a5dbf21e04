import { part, transposed, type Block } from "./block.js";
import { depth, extent, type Turn } from "./packed.js";
import { handOut, packedBlocks } from "./threads.js";

/** Of the kernel's operands. */
const panelRows = 8;
const panelColumns = 2;

/**
 * out ← out + factor·A·B by the WebAssembly kernel. Operands are packed into panels, so that it reads them in order
 * (Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008).
 */
export function addProductByKernel(out: Block, a: Block, b: Block, factor: number): void {
  const { operands, product } = packedBlocks();
  for (let j = 0; j < b.cols; j += extent) {
    const jEnd = Math.min(j + extent, b.cols);
    const width = padded(jEnd - j, panelColumns);
    for (let i = 0; i < a.rows; i += extent) {
      const iEnd = Math.min(i + extent, a.rows);
      const height = padded(iEnd - i, panelRows);
      product.fill(0, 0, height * width);
      let turn: Turn = 0;
      let finish = () => {};
      for (let l = 0; l < a.cols; l += depth) {
        const lEnd = Math.min(l + depth, a.cols);
        const { left, right } = operands[turn];
        pack(left, part(a, i, iEnd, l, lEnd), panelRows);
        pack(right, transposed(part(b, l, lEnd, j, jEnd)), panelColumns);
        finish();
        finish = handOut(turn, height, width, lEnd - l);
        turn = turn === 0 ? 1 : 0;
      }
      finish();
      addScaledBlock(part(out, i, iEnd, j, jEnd), factor, product, height);
    }
  }
}

/** The next multiple. */
function padded(length: number, of: number): number {
  return Math.ceil(length / of) * of;
}

/** Panels of so many rows, column by column; the last is filled up with zeros. @param height even */
function pack(target: Float64Array, source: Block, height: number): void {
  if (source.down === 1) packColumns(target, source, height);
  else packRows(target, source, height);
}

/** Of contiguous columns: one after another, which is more than twice as fast as panel by panel where they lie far apart. */
function packColumns(
  target: Float64Array,
  { data, offset, rows, cols, across }: Block,
  height: number,
): void {
  const panel = height * cols;
  const whole = rows - (rows % height);
  for (let j = 0; j < cols; j++) {
    const column = offset + j * across;
    let t = j * height;
    for (let i = 0; i < whole; t += panel - height) {
      for (const end = i + height; i < end; i += 2, t += 2) {
        target[t] = data[column + i] as number;
        target[t + 1] = data[column + i + 1] as number;
      }
    }
    if (whole === rows) continue;
    for (let i = whole; i < whole + height; i++, t++) {
      target[t] = i < rows ? (data[column + i] as number) : 0;
    }
  }
}

/** Of contiguous rows. */
function packRows(
  target: Float64Array,
  { data, offset, rows, cols, down, across }: Block,
  height: number,
): void {
  let t = 0;
  for (let top = 0; top < rows; top += height) {
    const isWhole = top + height <= rows;
    for (let j = 0; j < cols; j++) {
      let s = offset + top * down + j * across;
      if (isWhole) {
        for (const end = t + height; t < end; t += 2, s += 2 * down) {
          target[t] = data[s] as number;
          target[t + 1] = data[s + down] as number;
        }
      } else {
        for (let i = top; i < top + height; i++, t++, s += down) {
          target[t] = i < rows ? (data[s] as number) : 0;
        }
      }
    }
  }
}

/** out ← out + factor·X, X column-major with `stride` rows. */
function addScaledBlock(out: Block, factor: number, x: Float64Array, stride: number): void {
  const { data, offset, rows, cols, down, across } = out;
  for (let j = 0; j < cols; j++) {
    let t = offset + j * across;
    const s = j * stride;
    for (let i = 0; i < rows; i++, t += down) {
      data[t] = (data[t] as number) + factor * (x[s + i] as number);
    }
  }
}
