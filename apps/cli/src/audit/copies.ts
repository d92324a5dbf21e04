import { meanCosines } from "@fedclair/aggregators";
import { item, median, sum, type Matrix } from "@fedclair/linalg";

/** Of what keeps two adapters of the pile apart, 1 − the median cosine, near copies have a tenth at most; and norms within a factor of 1.5. */
const near = { share: 0.1, ratio: 1.5 };

/**
 * Groups of adapters that are nearly the same, as two rounds of one client: compared one by one they would look like cliques, and a space that holds
 * one holds the other. Where all have a large part in common no two are called copies for that.
 * @param grams ⟨X_i, X_j⟩ of the adapters' changes in the order of their names, by module
 * @returns groups of at least two; the first of each stands for all
 */
export function nearCopies(
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
