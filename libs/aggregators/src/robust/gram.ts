import { isLowRank, type LowRank } from "@fedclair/core";
import { Matrix, multiplyTN } from "@fedclair/linalg";
import { factorsOf, innerProduct, type Factors } from "../factors.js";
import { blocksOf, packed, type Changes } from "./blocks.js";
import { breather } from "./breather.js";

/** Columns of a panel of the Gram matrix: narrow ones skip most of the upper triangle. */
const panel = 8;

/**
 * G_ij = ⟨X_i, X_j⟩ over all modules jointly. A module that all clients send as pairs is never multiplied out: Σ of the
 * entrywise product of B_iᵀB_j and A_iA_jᵀ.
 * @param modules each with as many changes, the clients in one order; at least one
 * @returns K×K, exactly symmetric
 */
export async function gramOf(modules: readonly Changes[]): Promise<Matrix> {
  const count = modules[0]?.length ?? 0;
  const gram = new Matrix(count, count);
  for (const changes of modules) {
    const pairs = changes.filter(isLowRank);
    if (pairs.length === changes.length) await addPairs(gram, pairs);
    else for await (const { columns } of blocksOf(changes)) addBlock(gram, packed(columns));
  }
  mirror(gram);
  return gram;
}

/** Into the lower triangle. */
async function addPairs(gram: Matrix, pairs: readonly LowRank[]): Promise<void> {
  const factors: readonly Factors[] = pairs.map(factorsOf);
  const breathe = breather();
  for (const [j, y] of factors.entries()) {
    for (const [offset, x] of factors.slice(j).entries()) {
      const at = j + offset + j * gram.rows;
      gram.data[at] = (gram.data[at] ?? NaN) + innerProduct(x, y);
    }
    await breathe();
  }
}

/** Into the lower triangle; a little of the upper one is touched too. */
function addBlock(gram: Matrix, values: Matrix): void {
  const count = gram.rows;
  for (let j = 0; j < count; j += panel) {
    const rest = values.columns(j, count);
    const products = multiplyTN(rest, values.columns(j, Math.min(j + panel, count)));
    for (let c = 0; c < products.cols; c++) {
      for (let i = 0; i < products.rows; i++) {
        const at = j + i + (j + c) * count;
        gram.data[at] = (gram.data[at] ?? NaN) + (products.data[i + c * products.rows] ?? NaN);
      }
    }
  }
}

function mirror({ rows, data }: Matrix): void {
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < j; i++) data[i + j * rows] = data[j + i * rows] ?? NaN;
  }
}

/**
 * G_ii + G_jj - 2·G_ij: |X_i - X_j|² to about 1e-16 of |X_i|² + |X_j|².
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
