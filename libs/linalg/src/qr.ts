import { blockOf, copyBlock, part } from "./block.js";
import { Matrix } from "./matrix.js";
import { applyReflectors, reflectorsIn, type Reflectors } from "./reflectors.js";
import { intoRange, isWithin, largestOf } from "./range.js";
import { addressOf, withScratch } from "./scratch.js";

/** A = Q·R with Q m×k of orthonormal columns, R k×n upper triangular, k = min(m, n). */
export interface ThinQr {
  readonly q: Matrix;
  readonly r: Matrix;
}

const panelCols = 32;
/** Largest entries from 2^-900 to 2^900 leave room for sums, and for digits of what is far smaller. */
const range = 900;

/**
 * Thin QR by blocked Householder reflections (Golub and Van Loan, Matrix Computations, 5.2.3). Q is orthonormal to
 * rounding whatever the rank of A, and R's diagonal may have either sign. 4mn² flops.
 * @throws RangeError if A is not finite
 */
export function thinQr(a: Matrix): ThinQr {
  const { q, r, scale } = scaledQr(a, "thinQr");
  return scale === 1 ? { q, r } : { q, r: r.scale(1 / scale) };
}

/**
 * Q·R = scale·A, the scale being 1 unless A is so large or small that sums of its entries overflow or lose digits.
 * @param method whose argument A is, for the message
 * @throws RangeError if A is not finite
 */
export function scaledQr(a: Matrix, method: string): ThinQr & { readonly scale: number } {
  const { q, r } = householderQr(a);
  // The columns of R are as long as those of A, and NaN where those are not finite: R tells, and is smaller.
  if (isWithin(range, largestOf(r.data))) return { q, r, scale: 1 };
  const { scaled, scale } = intoRange(a, range, method);
  const again = householderQr(scaled);
  return { q: again.q, r: again.r, scale };
}

/** The same of a matrix that needs no scale. */
export function householderQr(a: Matrix): ThinQr {
  const m = a.rows;
  const n = a.cols;
  const k = Math.min(m, n);
  const q = new Matrix(m, k);
  const r = new Matrix(k, n);
  withScratch((scratch) => {
    const work = scratch.block(m, n);
    copyBlock(work, blockOf(a));
    const taus = scratch.array(k);
    const panels: Reflectors[] = [];
    for (let j = 0; j < k; j += panelCols) {
      const end = Math.min(j + panelCols, k);
      const panel = part(work, j, m, j, end);
      const panelTaus = taus.subarray(j, end);
      scratch.kernels.factorPanel(
        addressOf(panel),
        work.across,
        panel.rows,
        panel.cols,
        panelTaus.byteOffset,
      );
      const reflectors = reflectorsIn(panel, panelTaus, scratch);
      if (end < n) applyReflectors(reflectors, part(work, 0, m, end, n), true);
      panels.push(reflectors);
    }
    for (let c = 0; c < n; c++) {
      const start = c * work.across;
      r.data.set(work.data.subarray(start, start + Math.min(c + 1, k)), c * k);
    }
    for (let c = 0; c < k; c++) q.data[c + c * m] = 1;
    for (const reflectors of panels.toReversed()) {
      // Columns to the left are those of the identity, which these reflectors leave as they are.
      applyReflectors(reflectors, part(blockOf(q), 0, m, m - reflectors.v.rows, k));
    }
  });
  return { q, r };
}
