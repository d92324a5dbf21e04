import { multiply, multiplyNT, norm, thinQr, thinSvd } from "@fedclair/linalg";
import type { Factors } from "../factors.js";

/**
 * The best rank-t approximation of B·A, as factors of equal weight, without multiplying it out (section 4): thin QRs
 * B = Q_B·R_B and Aᵀ = Q_A·R_A, the SVD of R_B·R_Aᵀ, and back.
 * @param b p×R
 * @param a R×q
 * @param t wanted rank ≥ 0; exact if it is at least the product's rank
 * @returns factors p×t and t×q (t at most R, p and q), and `tail`, the share of the energy |BA|_F² that is discarded, 0 … 1
 */
export function compressLowRank(
  b: Factors["b"],
  a: Factors["a"],
  t: number,
): Factors & { readonly tail: number } {
  const left = thinQr(b);
  const right = thinQr(a.transpose());
  const { u, s, v } = thinSvd(multiplyNT(left.r, right.r));
  const rank = Math.min(t, s.length);
  const roots = s.map(Math.sqrt);
  for (let j = 0; j < rank; j++) {
    const root = roots[j] ?? 0;
    u.column(j).forEach((x, i, column) => (column[i] = x * root));
    v.column(j).forEach((x, i, column) => (column[i] = x * root));
  }
  const energy = norm(s) ** 2;
  return {
    b: multiply(left.q, u.columns(0, rank)),
    a: multiply(right.q, v.columns(0, rank)).transpose(),
    tail: energy === 0 ? 0 : norm(s.subarray(rank)) ** 2 / energy,
  };
}
