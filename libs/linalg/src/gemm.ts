import { viewPart, transposeBlock, type Block } from "./block.js";
import {
  blockings,
  gap,
  interleaveLines,
  left,
  lines,
  multiplyByTranspose,
  multiplyPacked,
  panelRows,
  result,
  right,
  type Blocking,
  type LeftLayout,
  type Part,
  type RightLayout,
} from "./packed.js";

/** Columns per panel of the kernel's right operand. */
const panelColumns = 2;

/**
 * With fewer columns in the product, packing the left operand into panels would take longer than
 * the panels save.
 */
const fewColumns = 64;

/**
 * Number of columns of a Gram matrix that are multiplied at once. With fewer columns, less of the
 * lower triangle is computed, but the left operand is read more often.
 */
const strips = { cached: 8, large: 16 };
/** Number of rows of a left operand that stays in the second-level cache. */
const cachedRows = 128;

/**
 * out ← out + factor·A·B with the WebAssembly kernel, block by block. If it pays, the left operand
 * is packed into panels, so that the kernel reads it in order (Goto and van de Geijn, Anatomy of
 * high-performance matrix multiplication, 2008). Turning rows into columns takes longer than
 * copying, so for a narrow product of an operand with contiguous rows the transpose is computed.
 */
export function addProductByKernel(out: Block, a: Block, b: Block, factor: number): void {
  const isNarrow = out.cols < out.rows && roundUp(out.cols, panelRows) <= 1.25 * out.cols;
  if (a.down !== 1 && isNarrow)
    addBlocks(transposeBlock(out), transposeBlock(b), transposeBlock(a), factor);
  else addBlocks(out, a, b, factor);
}

const { square, tall, wide } = blockings;

function blockingFor(out: Block, a: Block): Blocking {
  if (out.rows <= wide.height) return wide;
  return out.cols <= tall.width && a.down === 1 ? tall : square;
}

function addBlocks(out: Block, a: Block, b: Block, factor: number): void {
  const { height, width, depth } = blockingFor(out, a);
  for (let j = 0; j < b.cols; j += width) {
    const jEnd = Math.min(j + width, b.cols);
    const columns = viewPart(b, 0, b.rows, j, jEnd);
    for (let i = 0; i < a.rows; i += height) {
      const iEnd = Math.min(i + height, a.rows);
      const rows = viewPart(a, i, iEnd, 0, a.cols);
      addBlock(viewPart(out, i, iEnd, j, jEnd), rows, columns, factor, depth);
    }
  }
}

/**
 * out ← out + A·Aᵀ in the same way. Only the upper triangle is correct; the lower one is
 * incomplete.
 */
export function addGramByKernel(out: Block, a: Block): void {
  for (let j = 0; j < a.rows; j += square.width) {
    const jEnd = Math.min(j + square.width, a.rows);
    const own = viewPart(a, j, jEnd, 0, a.cols);
    const above = viewPart(out, 0, j, j, jEnd);
    if (j > 0) addBlocks(above, viewPart(a, 0, j, 0, a.cols), transposeBlock(own), 1);
    addGramBlock(viewPart(out, j, jEnd, j, jEnd), own);
  }
}

/** out ← out + factor·A·B for a block that fits the buffers. */
function addBlock(out: Block, a: Block, b: Block, factor: number, depth: number): void {
  const [height, width] = [roundUp(a.rows, panelRows), roundUp(b.cols, panelColumns)];
  result.fill(0, 0, height * width);
  for (let l = 0; l < a.cols; l += depth) {
    const lEnd = Math.min(l + depth, a.cols);
    const leftLayout = packLeftOperand(viewPart(a, 0, a.rows, l, lEnd), width);
    const rightLayout = packRightOperand(viewPart(b, l, lEnd, 0, b.cols));
    multiplyPacked(leftLayout, rightLayout, height, width, lEnd - l);
  }
  addScaledBlock(out, factor, result, height);
}

/**
 * out ← out + A·Aᵀ for a block that fits the buffers; computes little more than the upper triangle.
 */
function addGramBlock(out: Block, a: Block): void {
  const [height, width] = [roundUp(a.rows, panelRows), roundUp(a.rows, panelColumns)];
  const strip = a.rows <= cachedRows ? strips.cached : strips.large;
  const parts: Part[] = [];
  for (let from = 0; from < width; from += strip) {
    const to = Math.min(from + strip, width);
    parts.push({ rows: roundUp(Math.min(to, a.rows), panelRows), from, to });
  }
  result.fill(0, 0, height * width);
  for (let l = 0; l < a.cols; l += square.depth) {
    const lEnd = Math.min(l + square.depth, a.cols);
    packLeft(viewPart(a, 0, a.rows, l, lEnd));
    for (const one of parts) multiplyByTranspose(one, height, lEnd - l);
  }
  addScaledBlock(out, 1, result, height);
}

/** @param width columns of the product */
function packLeftOperand(a: Block, width: number): LeftLayout {
  if (a.down === 1 && width < fewColumns) {
    return { panel: panelRows, step: copyLines(left, a, panelRows) };
  }
  packLeft(a);
  return { panel: panelRows * a.cols, step: panelRows };
}

function packRightOperand(b: Block): RightLayout {
  if (b.down === 1) {
    const across = copyLines(right, b, 1);
    if (b.cols % panelColumns > 0) right.fill(0, b.cols * across, (b.cols + 1) * across);
    return { down: 1, across };
  }
  return { down: copyLines(right, transposeBlock(b), panelColumns), across: 1 };
}

/** Length from which a line is worth a call to copy it. */
const longLine = 32;

/**
 * Copies contiguous columns and pads each with zeros to a multiple of `of`.
 * @returns the distance between columns: an odd number of cache lines, because with an even one
 * they would share few places in the cache
 */
function copyLines(
  target: Float64Array,
  { data, offset, rows, cols, across }: Block,
  of: number,
): number {
  const length = roundUp(rows, of);
  const stride = gap * (Math.ceil(length / gap) | 1);
  for (let j = 0; j < cols; j++) {
    const from = offset + j * across;
    const to = j * stride;
    if (rows >= longLine) target.set(data.subarray(from, from + rows), to);
    else for (let i = 0; i < rows; i++) target[to + i] = data[from + i] as number;
    for (let i = rows; i < length; i++) target[to + i] = 0;
  }
  return stride;
}

/** Rounds up to the next multiple. */
function roundUp(length: number, of: number): number {
  return Math.ceil(length / of) * of;
}

/** Packs into panels of eight rows, column by column; the last panel is padded with zeros. */
function packLeft(source: Block): void {
  if (source.down === 1) packColumns(left, source, panelRows);
  else if (source.cols < longLine) packRows(left, source, panelRows);
  else packLongRows(source);
}

/**
 * Packs contiguous columns one after another, which is more than twice as fast as panel by panel if
 * they are far apart.
 */
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

/** Packs contiguous rows. */
function packLongRows(source: Block): void {
  const { rows, cols } = source;
  for (let top = 0; top < rows; top += panelRows) {
    const own = viewPart(source, top, Math.min(top + panelRows, rows), 0, cols);
    const stride = copyLines(lines, transposeBlock(own), 1);
    lines.fill(0, own.rows * stride, panelRows * stride);
    interleaveLines(stride, cols, top * cols);
  }
}

/** Packs short rows. */
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

/** out ← out + factor·X, where X is column-major with `stride` rows. */
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
