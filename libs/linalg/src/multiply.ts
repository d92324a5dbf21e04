import { at } from "./at.js";
import { toBlock, transposeBlock, type Block } from "./block.js";
import { Matrix } from "./matrix.js";
import { addGram, addProduct } from "./product.js";

/** A·B. @throws RangeError if the inner extents differ */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows) throw createMismatchError("A·B", a, b);
  return product(toBlock(a), toBlock(b));
}

/**
 * out ← A·B. Reuse `out` for many products: allocating memory for each can take longer than the
 * product.
 * @throws RangeError if shapes do not fit
 */
export function multiplyInto(out: Matrix, a: Matrix, b: Matrix): void {
  if (a.cols !== b.rows) throw createMismatchError("A·B", a, b);
  if (out.rows !== a.rows || out.cols !== b.cols) {
    throw new RangeError(`A·B is ${a.rows}×${b.cols}, the place for it ${out.rows}×${out.cols}`);
  }
  out.data.fill(0);
  addProduct(toBlock(out), toBlock(a), toBlock(b));
}

/** A·Bᵀ. @throws RangeError if the inner extents differ */
export function multiplyNT(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.cols) throw createMismatchError("A·Bᵀ", a, b);
  return product(toBlock(a), transposeBlock(toBlock(b)));
}

/** Aᵀ·B. @throws RangeError if the inner extents differ */
export function multiplyTN(a: Matrix, b: Matrix): Matrix {
  if (a.rows !== b.rows) throw createMismatchError("Aᵀ·B", a, b);
  return product(transposeBlock(toBlock(a)), toBlock(b));
}

/** A·Aᵀ, exactly symmetric. */
export function gramNT(a: Matrix): Matrix {
  return gram(toBlock(a));
}

/** Aᵀ·A, exactly symmetric. */
export function gramTN(a: Matrix): Matrix {
  return gram(transposeBlock(toBlock(a)));
}

/**
 * Adds Aᵀ·A to the upper triangle of `out`; the entries below it are undefined afterwards.
 * @throws RangeError if shapes do not fit
 */
export function addGramTN(out: Matrix, a: Matrix): void {
  if (out.rows !== a.cols || out.cols !== a.cols) throw createMismatchError("out + Aᵀ·A", out, a);
  addGram(toBlock(out), transposeBlock(toBlock(a)));
}

/** Σ of the entrywise product of A and B, i.e. tr(AᵀB). @throws RangeError if shapes differ */
export function dot(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) throw createMismatchError("⟨A, B⟩", a, b);
  const x = a.data;
  const y = b.data;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}

function product(a: Block, b: Block): Matrix {
  const out = new Matrix(a.rows, b.cols);
  addProduct(toBlock(out), a, b);
  return out;
}

/** A·Aᵀ */
function gram(a: Block): Matrix {
  const n = a.rows;
  const out = new Matrix(n, n);
  addGram(toBlock(out), a);
  const x = out.data;
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) x[j + i * n] = at(x, i + j * n);
  }
  return out;
}

function createMismatchError(product: string, a: Matrix, b: Matrix): RangeError {
  return new RangeError(`${product}: ${a.rows}×${a.cols} and ${b.rows}×${b.cols} do not fit`);
}
