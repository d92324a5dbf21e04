import { copyBlock, toBlock, transposeBlock, viewPart, type Block } from "./block.js";
import { Matrix } from "./matrix.js";
import { applyReflectors, createReflectors, type Reflectors } from "./reflectors.js";
import { scaleIntoRange, isWithin, findLargest } from "./scale-range.js";
import { addressOf, withScratch, type Scratch } from "./scratch.js";

/** A = Q·R with Q m×k of orthonormal columns, R k×n upper triangular, k = min(m, n). */
export interface ThinQr {
  readonly q: Matrix;
  readonly r: Matrix;
}

const panelCols = 32;
/**
 * Exponent range for the largest entry: from 2^-900 to 2^900, sums do not overflow and much smaller
 * entries keep their digits.
 */
const range = 900;

/**
 * Thin QR by blocked Householder reflections (Golub and Van Loan, Matrix Computations, 5.2.3). Q is
 * orthonormal to rounding for any rank of A, and R's diagonal may have either sign. 4mn² flops.
 * @throws RangeError if A is not finite
 */
export function thinQr(a: Matrix): ThinQr {
  const { q, r, scale } = computeScaledQr(a, "thinQr");
  return scale === 1 ? { q, r } : { q, r: r.scale(1 / scale) };
}

/**
 * Q·R = scale·A. The scale is 1 unless A is so large or small that sums of its entries overflow or
 * lose digits.
 * @param method the function whose argument is A, for the error message
 * @throws RangeError if A is not finite
 */
export function computeScaledQr(a: Matrix, method: string): ThinQr & { readonly scale: number } {
  const { q, r } = householderQr(a);
  // The columns of R are as long as those of A, and NaN if those are not finite, so the smaller R
  // can be checked instead.
  if (isWithin(range, findLargest(r.data))) return { q, r, scale: 1 };
  const { scaled, scale } = scaleIntoRange(a, range, method);
  const again = householderQr(scaled);
  return { q: again.q, r: again.r, scale };
}

/**
 * Computes R of `thinQr(Aᵀ)`, to the bit. It needs neither Q, which takes most of the time of a
 * tall matrix, nor a copy of Aᵀ.
 * @throws RangeError if A is not finite
 */
export function rowTriangle(a: Matrix): Matrix {
  const triangleOf = (matrix: Matrix) =>
    withScratch((scratch) => reduce(transposeBlock(toBlock(matrix)), scratch));
  const r = triangleOf(a);
  if (isWithin(range, findLargest(r.data))) return r;
  const { scaled, scale } = scaleIntoRange(a, range, "rowTriangle");
  return triangleOf(scaled).scale(1 / scale);
}

/** Thin QR of a matrix that does not need scaling. */
export function householderQr(a: Matrix): ThinQr {
  const m = a.rows;
  const k = Math.min(m, a.cols);
  const q = new Matrix(m, k);
  return withScratch((scratch) => {
    const panels: Reflectors[] = [];
    const r = reduce(toBlock(a), scratch, panels);
    for (let c = 0; c < k; c++) q.data[c + c * m] = 1;
    for (const reflectors of panels.toReversed()) {
      // Columns further left are columns of the identity, which these reflectors do not change.
      applyReflectors(reflectors, viewPart(toBlock(q), 0, m, m - reflectors.v.rows, k));
    }
    return { q, r };
  });
}

/**
 * Computes R by reflectors.
 * @param panels receives the reflectors of Q, in scratch memory; default: they are not needed
 */
function reduce(a: Block, scratch: Scratch, panels?: Reflectors[]): Matrix {
  const { rows: m, cols: n } = a;
  const k = Math.min(m, n);
  const work = scratch.block(m, n);
  copyBlock(work, a);
  const taus = scratch.array(k);
  for (let j = 0; j < k; j += panelCols) {
    const end = Math.min(j + panelCols, k);
    const panel = viewPart(work, j, m, j, end);
    const panelTaus = taus.subarray(j, end);
    scratch.kernels.factorPanel(
      addressOf(panel),
      work.across,
      panel.rows,
      panel.cols,
      panelTaus.byteOffset,
    );
    if (end === n && !panels) break;
    const reflectors = createReflectors(panel, panelTaus, scratch);
    if (end < n) applyReflectors(reflectors, viewPart(work, 0, m, end, n), true);
    panels?.push(reflectors);
  }
  const r = new Matrix(k, n);
  for (let c = 0; c < n; c++) {
    const start = c * work.across;
    r.data.set(work.data.subarray(start, start + Math.min(c + 1, k)), c * k);
  }
  return r;
}
