import { yieldToEventLoop, isLowRank, toMatrix, UserError, type LowRank } from "@fedclair/core";
import { addScaled, gramTN, hstack, Matrix, multiplyTN, item, at } from "@fedclair/linalg";
import { iterateBlocks, type Changes } from "./blocks.js";

/**
 * Number of clients in a panel of the Gram matrix of pairs. Narrow panels skip most of the upper
 * triangle.
 */
const panel = 16;

/**
 * Computes G_ij = ⟨X_i, X_j⟩ over all modules together. A module that all clients send as pairs is
 * not multiplied out: its part is the sum of the entrywise product of B_iᵀB_j and A_iA_jᵀ.
 * @param modules at least one; each has a change for every client, in the same order
 * @param divisors numbers by which the clients' dense changes are divided first; default: 1
 * @returns K×K, exactly symmetric
 * @throws UserError if squares overflow
 */
export async function gramOf(
  modules: readonly Changes[],
  divisors?: readonly number[],
): Promise<Matrix> {
  const count = modules[0]?.length ?? 0;
  const gram = new Matrix(count, count);
  for (const changes of modules) {
    const pairs = changes.filter(isLowRank);
    if (pairs.length === changes.length) await addPairs(gram, pairs);
    else await addDense(gram, changes, divisors);
  }
  requireFinite(gram.data);
  mirror(gram);
  return gram;
}

async function addDense(
  gram: Matrix,
  changes: Changes,
  divisors?: readonly number[],
): Promise<void> {
  for await (const { whole, columns } of iterateBlocks(changes)) {
    if (divisors) {
      columns.forEach((column, k) => {
        divideBy(column, item(divisors, k));
      });
    }
    addScaled(gram, 1, gramTN(whole));
  }
}

function divideBy(numbers: Float64Array, divisor: number): void {
  if (divisor === 1) return;
  for (let i = 0; i < numbers.length; i++) numbers[i] = (numbers[i] as number) / divisor;
}

/** Adds to the lower triangle; a small part of the upper one is touched as well. */
async function addPairs(gram: Matrix, pairs: readonly LowRank[]): Promise<void> {
  const lefts: Matrix[] = [];
  const rights: Matrix[] = [];
  for (const { b, a } of pairs) {
    lefts.push(toMatrix(b));
    rights.push(toMatrix(a).transpose());
    await yieldToEventLoop();
  }
  const left = hstack(lefts);
  await yieldToEventLoop();
  const right = hstack(rights);
  await yieldToEventLoop();
  const starts = computeStarts(lefts.map(({ cols }) => cols));
  for (let j = 0; j < gram.rows; j += panel) {
    const end = Math.min(j + panel, gram.rows);
    const ofLeft = multiplyPanel(left, starts[j], starts[end]);
    await yieldToEventLoop();
    const ofRight = multiplyPanel(right, starts[j], starts[end]);
    await yieldToEventLoop();
    const offset = item(starts, j);
    const span = (k: number) => [item(starts, k) - offset, item(starts, k + 1) - offset];
    for (let y = j; y < end; y++) {
      for (let x = j; x < gram.rows; x++) {
        addTo(gram, x, y, multiplyBlocks(ofLeft, ofRight, span(x), span(y)));
      }
    }
    await yieldToEventLoop();
  }
}

/**
 * Inner products of columns `from` … `to` - 1 (columns of the result) with all columns from `from`
 * on (rows).
 */
function multiplyPanel(columns: Matrix, from = NaN, to = NaN): Matrix {
  return multiplyTN(columns.columns(from, columns.cols), columns.columns(from, to));
}

/**
 * Sums the entrywise product of one block of X and Y.
 * @param rows the first row and the one after the last
 */
function multiplyBlocks(
  x: Matrix,
  y: Matrix,
  [top = NaN, bottom = NaN]: readonly number[],
  [first = NaN, end = NaN]: readonly number[],
): number {
  let total = 0;
  for (let j = first; j < end; j++) {
    const column = j * x.rows;
    for (let i = top; i < bottom; i++) {
      total += at(x.data, column + i) * at(y.data, column + i);
    }
  }
  return total;
}

function addTo({ rows, data }: Matrix, i: number, j: number, value: number): void {
  data[i + j * rows] = at(data, i + j * rows) + value;
}

/** The start of each of several consecutive ranges, and the end of the last one. */
function computeStarts(lengths: readonly number[]): number[] {
  const starts = [0];
  for (const length of lengths) starts.push((starts.at(-1) ?? NaN) + length);
  return starts;
}

/**
 * Rejects overflown squares: an error is better than a wrong result.
 * @throws UserError if a square is not finite, that is, for numbers beyond about 1e150
 */
export function requireFinite(squares: Float64Array): void {
  if (squares.every(Number.isFinite)) return;
  throw new UserError(
    "a client's change is so large (beyond about 1e150) that its distance to others is not a finite number: " +
      "use an aggregator that measures none, as coordinate-median or trimmed-mean",
  );
}

function mirror({ rows, data }: Matrix): void {
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < j; i++) data[i + j * rows] = at(data, j + i * rows);
  }
}

/**
 * Computes |X_i - X_j|² as G_ii + G_jj - 2·G_ij, accurate to about 1e-16 of |X_i|² + |X_j|².
 * @returns K×K, symmetric, zero diagonal, no entry below 0
 */
export function squaredDistances(gram: Matrix): Matrix {
  const { rows } = gram;
  const out = new Matrix(rows, rows);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < rows; i++) {
      if (i === j) continue;
      const squared = gram.get(i, i) + gram.get(j, j) - 2 * gram.get(i, j);
      out.data[i + j * rows] = Math.max(0, squared);
    }
  }
  return out;
}
