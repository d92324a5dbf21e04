import { part, transposed, type Block } from "./block.js";
import { depth, extent, type Turn } from "./packed.js";
import { handOut, packedBlocks } from "./threads.js";

/**
 * out ← out + factor·A·B by the WebAssembly kernel. Operands are packed into panels, so that it reads them in order
 * (Goto and van de Geijn, Anatomy of high-performance matrix multiplication, 2008).
 */
export function addProductByKernel(out: Block, a: Block, b: Block, factor: number): void {
  const { operands, product } = packedBlocks();
  for (let j = 0; j < b.cols; j += extent) {
    const jEnd = Math.min(j + extent, b.cols);
    const width = padded(jEnd - j);
    for (let i = 0; i < a.rows; i += extent) {
      const iEnd = Math.min(i + extent, a.rows);
      const height = padded(iEnd - i);
      product.fill(0, 0, height * width);
      let turn: Turn = 0;
      let finish = () => {};
      for (let l = 0; l < a.cols; l += depth) {
        const lEnd = Math.min(l + depth, a.cols);
        const { left, right } = operands[turn];
        pack(left, part(a, i, iEnd, l, lEnd));
        pack(right, transposed(part(b, l, lEnd, j, jEnd)));
        finish();
        finish = handOut(turn, height, width, lEnd - l);
        turn = turn === 0 ? 1 : 0;
      }
      finish();
      addScaledBlock(part(out, i, iEnd, j, jEnd), factor, product, height);
    }
  }
}

/** The next multiple of four. */
function padded(length: number): number {
  return (length + 3) & ~3;
}

/** Panels of four rows, column by column; the last is filled up with zeros. */
function pack(target: Float64Array, { data, offset, rows, cols, down, across }: Block): void {
  let t = 0;
  let i = 0;
  for (; i + 3 < rows; i += 4) {
    let s = offset + i * down;
    for (let j = 0; j < cols; j++, s += across, t += 4) {
      target[t] = data[s] as number;
      target[t + 1] = data[s + down] as number;
      target[t + 2] = data[s + 2 * down] as number;
      target[t + 3] = data[s + 3 * down] as number;
    }
  }
  if (i === rows) return;
  for (let j = 0; j < cols; j++) {
    for (let r = 0; r < 4; r++, t++) {
      target[t] = i + r < rows ? (data[offset + (i + r) * down + j * across] as number) : 0;
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
