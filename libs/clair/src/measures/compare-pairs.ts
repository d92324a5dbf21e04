import { toMatrix, yieldToEventLoop, type LowRank } from "@fedclair/core";
import {
  gramTN,
  indices,
  item,
  Matrix,
  multiply,
  multiplyNT,
  multiplySingles,
  packSingles,
  pick,
  zip,
  type Singles,
} from "@fedclair/linalg";
import { createSketcher } from "../space/sketch.js";
import { findAxes, readRows, scaleAxes } from "./row-space.js";

/** The most columns of an operand of `multiplySingles`, and so the largest rank. */
export const mostColumns = 512;

/** A pair X = B·A as B′·Qᵀ with nearly orthonormal columns of Q, divided by its client's norm. */
interface SplitPair {
  readonly left: Singles;
  readonly right: Singles;
  /** Dimensions of the space of A's rows: the leading columns of Q. */
  readonly dimensions: number;
}

/** The other clients that each client is compared with. */
export interface ComparedOthers {
  /** The clients that all are compared with, ascending. */
  readonly sample: readonly number[];
  /** Further ones by client. */
  readonly nearest: readonly (readonly number[])[];
}

/** Inner products of clients' changes in one module; NaN where client j is not compared with i. */
interface ComparedPairs {
  /** ⟨X_i, X_j⟩, K×K. */
  readonly gram: Matrix;
  /** |Q_iᵀQ_j|² of the spaces of the rows, K×K. */
  readonly rowProducts: Matrix;
}

/**
 * Compares pairs in float32. Each is written as B′·Qᵀ, so that one product of the Q gives both the
 * row spaces' inner products and, with that of the B′, the changes'.
 * @param sizes by which the changes are divided
 * @param norms of the changes
 * @param others by default all are compared with all
 */
export async function comparePairs(
  pairs: readonly LowRank[],
  sizes: readonly number[],
  norms: readonly number[],
  others?: ComparedOthers,
): Promise<ComparedPairs> {
  const split = await splitPairs(pairs, sizes);
  const count = pairs.length;
  const all = indices(count);
  const gram = new Matrix(count, count);
  const rowProducts = new Matrix(count, count);
  for (const { data } of [gram, rowProducts]) data.fill(NaN);
  const visit = (i: number, j: number, product: number, common: number) => {
    gram.data[i + j * count] = product;
    rowProducts.data[i + j * count] = common;
  };
  const visitBoth = (i: number, j: number, product: number, common: number) => {
    visit(i, j, product, common);
    visit(j, i, product, common);
  };
  const sample = others?.sample ?? all;
  const isSampled = new Set(sample);
  const rest = groupByWidth(
    split,
    all.filter((k) => !isSampled.has(k)),
  );
  for (const rows of groupByWidth(split, sample)) {
    const from = item(rows, 0);
    const later = sample.filter((k) => k >= from);
    for (const columns of groupByWidth(split, later)) {
      multiplyBlock(split, rows, columns, visitBoth);
      await yieldToEventLoop();
    }
    for (const columns of rest) {
      multiplyBlock(split, rows, columns, visit);
      await yieldToEventLoop();
    }
  }
  for (const [j, list] of (others?.nearest ?? []).entries()) {
    for (const rows of groupByWidth(split, list)) multiplyBlock(split, rows, [j], visit);
    if (j % 16 === 0) await yieldToEventLoop();
  }
  for (const k of all)
    visit(k, k, (item(norms, k) / item(sizes, k)) ** 2, item(split, k).dimensions);
  return { gram, rowProducts };
}

async function splitPairs(
  pairs: readonly LowRank[],
  sizes: readonly number[],
): Promise<SplitPair[]> {
  const split: SplitPair[] = [];
  for (const [{ b, a }, size] of zip(pairs, sizes)) {
    const columns = readRows(a);
    const space = findAxes(gramTN(columns));
    const left = multiply(
      toMatrix(b),
      scaleAxes(space, (length) => length / size),
    );
    const right = multiply(
      columns,
      scaleAxes(space, (length) => 1 / length),
    );
    const { dimensions } = space;
    split.push({ left: packSingles(left), right: packSingles(right), dimensions });
    await yieldToEventLoop();
  }
  return split;
}

/** Groups clients, in their order, that one product has room for. */
function groupByWidth(split: readonly SplitPair[], some: readonly number[]): number[][] {
  const groups: number[][] = [];
  let width = Infinity;
  for (const k of some) {
    const own = item(split, k).left.cols;
    if (width + own > mostColumns) {
      groups.push([]);
      width = 0;
    }
    groups.at(-1)?.push(k);
    width += own;
  }
  return groups;
}

/** Visits ⟨X_i, X_j⟩ and |Q_iᵀQ_j|² of every client i of the rows and j of the columns. */
function multiplyBlock(
  split: readonly SplitPair[],
  rows: readonly number[],
  columns: readonly number[],
  visit: (i: number, j: number, product: number, common: number) => void,
): void {
  const [tall, wide] = [pick(split, rows), pick(split, columns)];
  const sideOf = (side: "left" | "right") =>
    multiplySingles(
      tall.map((one) => one[side]),
      wide.map((one) => one[side]),
    );
  // The next product overwrites this one.
  const { rows: height, data } = sideOf("left");
  const ofLeft = data.slice();
  const ofRight = sideOf("right").data;
  let first = 0;
  for (const [c, j] of columns.entries()) {
    const { left, dimensions: most } = item(wide, c);
    let top = 0;
    for (const [r, i] of rows.entries()) {
      const { left: own, dimensions } = item(tall, r);
      let [product, common] = [0, 0];
      for (let y = 0; y < left.cols; y++) {
        const start = top + (first + y) * height;
        for (let x = 0; x < own.cols; x++) {
          const right = ofRight[start + x] as number;
          product += (ofLeft[start + x] as number) * right;
          if (x < dimensions && y < most) common += right * right;
        }
      }
      visit(i, j, product, common);
      top += own.cols;
    }
    first += left.cols;
  }
}

/** Rows of both sides of a sketch. */
const sketched = 64;

/**
 * Computes ⟨X_i, X_j⟩ of sketches from both sides, which are off by some hundredths, to find out
 * which changes are near to each other.
 * @param sizes by which the changes are divided
 */
export async function compareRoughly(
  pairs: readonly LowRank[],
  sizes: readonly number[],
  seed: number,
): Promise<Matrix> {
  const { b, a } = item(pairs, 0);
  const [rows = 0] = b.shape;
  const [, cols = 0] = a.shape;
  const ofRows = createReducer(rows, seed);
  const ofCols = createReducer(cols, seed + 1);
  const columns = new Matrix(Math.min(rows, sketched) * Math.min(cols, sketched), pairs.length);
  for (const [k, pair] of pairs.entries()) {
    const product = multiplyNT(ofRows(toMatrix(pair.b)), ofCols(readRows(pair.a)));
    columns.column(k).set(product.scale(1 / item(sizes, k)).data);
    await yieldToEventLoop();
  }
  return gramTN(columns);
}

function createReducer(rows: number, seed: number): (block: Matrix) => Matrix {
  return rows <= sketched ? (block) => block : createSketcher(rows, sketched, seed);
}
