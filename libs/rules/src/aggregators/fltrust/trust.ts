import { sum, at } from "@fedclair/linalg";
import type { Points } from "../robust/points.js";

interface Trust {
  /**
   * Cosines of the angles between V_k and the root's vector, -1 … 1; 0 where either vector is zero.
   */
  readonly cosines: Float64Array;
  /**
   * Weights of all points but the root: max(0, cosine_k)·|V_root|/|V_k| over the sum of these
   * cosines. This rescales each point to the root's norm.
   */
  readonly weights: Float64Array;
}

/**
 * FLTrust (Cao et al., arXiv 2012.13995). Products are derived from distances, so a cosine is
 * accurate to about 1e-16 times the ratio of the two norms.
 * @param root index of the trusted point
 */
export async function computeTrust(points: Points, root: number): Promise<Trust> {
  const { distances: norms } = await points.around(new Float64Array(points.count));
  const atRoot = new Float64Array(points.count);
  atRoot[root] = 1;
  const { distances, norm } = await points.around(atRoot);
  const cosines = norms.map((length, k) => {
    if (length === 0 || norm === 0) return 0;
    const product = (length ** 2 + norm ** 2 - at(distances, k) ** 2) / 2;
    return Math.max(-1, Math.min(1, product / (length * norm)));
  });
  const trust = cosines.map((cosine, k) => (k === root ? 0 : Math.max(0, cosine)));
  const total = sum(trust);
  const weights = trust.map((t, k) => (t === 0 ? 0 : (t * norm) / (total * at(norms, k))));
  return { cosines, weights };
}
