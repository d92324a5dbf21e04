import { at } from "./at.js";
import { blockOf, transposed, type Block } from "./block.js";
import { Matrix } from "./matrix.js";
import { addGram, addProduct } from "./product.js";

/** A·B. @throws RangeError if the inner extents differ */
export function multiply(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows) throw mismatch("A·B", a, b);
  return product(blockOf(a), blockOf(b));
}

/** out ← A·B, where one place serves many products: new memory for each can take longer than they do. @throws RangeError if shapes do not fit */
export function multiplyInto(out: Matrix, a: Matrix, b: Matrix): void {
  if (a.cols !== b.rows) throw mismatch("A·B", a, b);
  if (out.rows !== a.rows || out.cols !== b.cols) {
    throw new RangeError(`A·B is ${a.rows}×${b.cols}, the place for it ${out.rows}×${out.cols}`);
  }
  out.data.fill(0);
  addProduct(blockOf(out), blockOf(a), blockOf(b));
}

/** A·Bᵀ. @throws RangeError if the inner extents differ */
export function multiplyNT(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.cols) throw mismatch("A·Bᵀ", a, b);
  return product(blockOf(a), transposed(blockOf(b)));
}

/** Aᵀ·B. @throws RangeError if the inner extents differ */
export function multiplyTN(a: Matrix, b: Matrix): Matrix {
  if (a.rows !== b.rows) throw mismatch("Aᵀ·B", a, b);
  return product(transposed(blockOf(a)), blockOf(b));
}

/** A·Aᵀ, exactly symmetric. */
export function gramNT(a: Matrix): Matrix {
  return gram(blockOf(a));
}

/** Aᵀ·A, exactly symmetric. */
export function gramTN(a: Matrix): Matrix {
  return gram(transposed(blockOf(a)));
}

/**
 * The upper triangle of out ← out + Aᵀ·A; what is below is of no use then.
 * @throws RangeError if shapes do not fit
 */
export function addGramTN(out: Matrix, a: Matrix): void {
  if (out.rows !== a.cols || out.cols !== a.cols) throw mismatch("out + Aᵀ·A", out, a);
  addGram(blockOf(out), transposed(blockOf(a)));
}

/** Σ of the entrywise product of A and B, i.e. tr(AᵀB). @throws RangeError if shapes differ */
export function dot(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.cols !== b.cols) throw mismatch("⟨A, B⟩", a, b);
  const x = a.data;
  const y = b.data;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i] as number) * (y[i] as number);
  return sum;
}

function product(a: Block, b: Block): Matrix {
  const out = new Matrix(a.rows, b.cols);
  addProduct(blockOf(out), a, b);
  return out;
}

/** A·Aᵀ */
function gram(a: Block): Matrix {
  const n = a.rows;
  const out = new Matrix(n, n);
  addGram(blockOf(out), a);
  const x = out.data;
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) x[j + i * n] = at(x, i + j * n);
  }
  return out;
}

function mismatch(product: string, a: Matrix, b: Matrix): RangeError {
  return new RangeError(`${product}: ${a.rows}×${a.cols} and ${b.rows}×${b.cols} do not fit`);
}
