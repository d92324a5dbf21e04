import { meanCosines } from "@fedclair/clair";
import { item, median, sum, type Matrix } from "@fedclair/linalg";

/**
 * Limits for near copies. Their distance, 1 − cosine, is below a tenth of the usual one, 1 − the
 * median cosine, and their norms differ by less than a factor of 1.5.
 */
const near = { share: 0.1, ratio: 1.5 };

/**
 * Finds groups of nearly identical adapters, for example two rounds of one client. Compared
 * separately, they would look like a clique, and a space that contains one contains the other. The
 * limit is relative to the usual distance, so a large part that all adapters have in common does
 * not make them copies.
 * @param grams inner products ⟨X_i, X_j⟩ of the adapters' changes, one matrix per module, in the
 * order of `names`
 * @returns groups of at least two; the first of each represents the group
 */
export function findNearCopies(
  names: readonly string[],
  grams: readonly Matrix[],
): readonly (readonly string[])[] {
  if (grams.length === 0 || names.length < 3) return [];
  const all = [...names.keys()];
  const norms = all.map((k) => Math.sqrt(sum(grams.map((gram) => gram.get(k, k)))));
  const cosines = meanCosines(grams);
  const ofPairs = all.flatMap((i) => all.slice(0, i).map((j) => cosines.get(i, j)));
  const apart = near.share * (1 - median(ofPairs));
  const groups = new Map<number, number[]>();
  for (const i of all) {
    const first = [...groups.keys()].find((j) => {
      const ratio = item(norms, i) / item(norms, j);
      const isNear = ratio < near.ratio && ratio > 1 / near.ratio;
      return isNear && 1 - cosines.get(i, j) < apart;
    });
    if (first === undefined) groups.set(i, [i]);
    else groups.get(first)?.push(i);
  }
  return [...groups.values()]
    .filter((group) => group.length > 1)
    .map((group) => group.map((k) => item(names, k)));
}
