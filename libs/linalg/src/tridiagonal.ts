import { toBlock, copyBlock, viewPart } from "./block.js";
import type { Matrix } from "./matrix.js";
import { applyReflectors, createReflectors, type Reflectors } from "./reflectors.js";
import { addressOf, type Scratch } from "./scratch.js";

/** S = Q·T·Qᵀ with T symmetric and tridiagonal, and Q a product of Householder reflectors. */
interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** Entry i joins i and i + 1; the last is 0. */
  readonly offDiagonal: Float64Array;
  /** Replaces the columns of x by those of Q·x, in place. */
  readonly applyQ: (x: Matrix) => void;
}

const reflectorsAtOnce = 32;

/**
 * Householder tridiagonalisation of the symmetric matrix whose lower triangle is that of s (Golub
 * and Van Loan, algorithm 8.3.1). 4n³/3 flops.
 * @returns arrays in scratch memory
 */
export function tridiagonalise(s: Matrix, scratch: Scratch): Tridiagonal {
  const n = s.rows;
  const a = scratch.block(n, n);
  copyBlock(a, toBlock(s));
  const diagonal = scratch.array(n);
  const offDiagonal = scratch.array(n);
  const taus = scratch.array(n);
  scratch.kernels.tridiagonalise(
    addressOf(a),
    a.across,
    n,
    diagonal.byteOffset,
    offDiagonal.byteOffset,
    taus.byteOffset,
    scratch.array(4 * a.across).byteOffset,
  );
  const groups: Reflectors[] = [];
  for (let j = 0; j < n - 1; j += reflectorsAtOnce) {
    const end = Math.min(j + reflectorsAtOnce, n - 1);
    groups.push(createReflectors(viewPart(a, j + 1, n, j, end), taus.subarray(j, end), scratch));
  }
  return {
    diagonal,
    offDiagonal,
    applyQ: (x) => {
      for (const group of groups.toReversed()) applyReflectors(group, toBlock(x));
    },
  };
}
