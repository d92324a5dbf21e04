import { Matrix, multiply, multiplyTN } from "@fedclair/linalg";
import { yieldToEventLoop } from "@fedclair/core";
import { forSmallest } from "./select.js";

/**
 * Nearest-neighbour mixing (Allouah et al., AISTATS 2023, arXiv 2302.01772): Y_i is the mean of the
 * K - f points nearest to V_i, including V_i itself; of equally near points the first ones count.
 * @param squared distances, K×K
 * @returns K×K; column i holds the weights of the points in Y_i
 */
export function nearestNeighbourMixing(squared: Matrix, f: number): Matrix {
  const count = squared.rows;
  const out = new Matrix(count, count);
  for (let i = 0; i < count; i++) {
    forSmallest(squared.column(i), count - f, (k) => {
      out.data[k + i * count] = 1 / (count - f);
    });
  }
  return out;
}

/** Number of columns that are multiplied between two yields to the event loop. */
const panel = 64;

/**
 * Computes MᵀGM, the Gram matrix of the mixed points Y = X·M.
 * @param gram Gram matrix of the X_k, K×K
 * @param mixing M, K×K
 */
export async function mixGram(gram: Matrix, mixing: Matrix): Promise<Matrix> {
  const count = gram.rows;
  const out = new Matrix(count, count);
  for (let from = 0; from < count; from += panel) {
    const columns = mixing.columns(from, Math.min(from + panel, count));
    out.data.set(multiplyTN(mixing, multiply(gram, columns)).data, from * count);
    await yieldToEventLoop();
  }
  return out;
}
