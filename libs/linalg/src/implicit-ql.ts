import { at } from "./at.js";

/** Multiplies columns i and i + 1 by the rotation (c s; -s c). */
export type Rotate = (i: number, c: number, s: number) => void;

/**
 * Diagonalises a symmetric tridiagonal matrix in place by implicit QL with Wilkinson's shift.
 * @param d its diagonal; becomes the eigenvalues, unsorted
 * @param e its off-diagonal, entry i joining i and i + 1; overwritten
 * @param rotate called with every rotation; applying them to Q turns its columns into the
 * eigenvectors of Q·T·Qᵀ
 * @throws Error if an eigenvalue does not converge because an entry is not finite
 */
export function implicitQl(d: Float64Array, e: Float64Array, rotate: Rotate): void {
  const n = d.length;
  const negligible = findNegligible(d, e);
  for (let l = 0; l < n; l++) {
    for (let sweeps = 0; ; sweeps++) {
      let m = l;
      while (m < n - 1 && !(Math.abs(at(e, m)) <= negligible)) m++;
      if (m === l) break;
      if (sweeps === maxSweeps) throw new Error(describeFailure(l, n));
      const dl = at(d, l);
      const el = at(e, l);
      let g = (at(d, l + 1) - dl) / (2 * el);
      g = at(d, m) - dl + el / (g + (g < 0 ? -Math.hypot(g, 1) : Math.hypot(g, 1)));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= l; i--) {
        const ei = at(e, i);
        const f = s * ei;
        const b = c * ei;
        const r = Math.sqrt(f * f + g * g);
        e[i + 1] = r;
        if (r === 0) {
          // An off-diagonal entry vanished by underflow: the matrix splits here.
          d[i + 1] = at(d, i + 1) - p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = at(d, i + 1) - p;
        const t = (at(d, i) - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        rotate(i, c, s);
      }
      if (i >= l) continue;
      d[l] = at(d, l) - p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

/**
 * Computes the eigenvalues alone, by the variant of Pal, Walker and Kahan that works on squares and
 * so needs no square root for a rotation (LAPACK dsterf).
 * @param d the diagonal; becomes the eigenvalues, unsorted
 * @param e the off-diagonal, entry i joining i and i + 1; overwritten
 * @throws Error if an eigenvalue does not converge because an entry is not finite
 */
export function rootFreeQl(d: Float64Array, e: Float64Array): void {
  const n = d.length;
  const negligible = findNegligible(d, e) ** 2;
  for (let i = 0; i < n; i++) e[i] = at(e, i) ** 2;
  for (let l = 0; l < n; l++) {
    for (let sweeps = 0; ; sweeps++) {
      let m = l;
      while (m < n - 1 && !(at(e, m) <= negligible)) m++;
      if (m === l) break;
      if (sweeps === maxSweeps) throw new Error(describeFailure(l, n));
      const dl = at(d, l);
      const root = Math.sqrt(at(e, l));
      const g = (at(d, l + 1) - dl) / (2 * root);
      const shift = dl - root / (g + Math.sqrt(g * g + 1) * (g < 0 ? -1 : 1));
      let [c, s] = [1, 0];
      let gamma = at(d, m) - shift;
      let p = gamma * gamma;
      for (let i = m - 1; i >= l; i--) {
        const ei = at(e, i);
        const r = p + ei;
        if (i < m - 1) e[i + 1] = s * r;
        const before = c;
        c = p / r;
        s = ei / r;
        const last = gamma;
        const di = at(d, i);
        gamma = c * (di - shift) - s * last;
        d[i + 1] = last + (di - gamma);
        p = c === 0 ? before * ei : (gamma * gamma) / c;
      }
      e[l] = s * p;
      d[l] = shift + gamma;
    }
  }
}

const maxSweeps = 60;

/**
 * The size below which an off-diagonal entry counts as zero. It is absolute, not relative to the
 * neighbours: a Gram matrix of low rank has a block of entries at rounding level that has no valid
 * digits.
 */
function findNegligible(d: Float64Array, e: Float64Array): number {
  let scale = 0;
  for (let i = 0; i < d.length; i++)
    scale = Math.max(scale, Math.abs(at(d, i)) + Math.abs(at(e, i)));
  return scale * (Number.EPSILON / 2);
}

function describeFailure(l: number, n: number): string {
  return `eigenvalue ${l} of ${n} did not converge in ${maxSweeps} sweeps`;
}
