import { item } from "@fedclair/linalg";
import { stackFactors, toLowRank, type Factors } from "@fedclair/rules";
import { isFactored, type Change } from "../updates/change.js";
import { bestPairs, type RankedPair } from "./pairs.js";

/** How much of its own change a client keeps, and how much of the mean of the others it gets. */
export interface Blend {
  readonly own: number;
  readonly others: number;
}

/**
 * Blends every client's change of one module with the mean of the other clients, as the best pair
 * of the rank of the client's own pair. A client without others keeps its own change.
 * @param changes changes of the clients
 * @param weights weights of the clients in the mean, summing to 1
 * @throws TypeError if the changes are dense
 */
export function blendChanges(
  changes: readonly Change[],
  weights: ArrayLike<number>,
  { own, others }: Blend,
): RankedPair[] {
  const factored = changes.filter(isFactored);
  if (factored.length < changes.length) {
    throw new TypeError("only factored changes can be blended into pairs");
  }
  const all = stackFactors(factored, weights);
  // Clients of equal weight share one object, which bestPairs converts once.
  const scaledAll = new Map<number, Factors>();
  const sums = factored.map((change, k): Factors[] => {
    const weight = item(weights, k);
    if (factored.length === 1 || weight >= 1) return [change];
    // The mean of the others is (all − weight · own) / (1 − weight).
    const share = others / (1 - weight);
    const scaled = scaledAll.get(share) ?? scale(all, share);
    scaledAll.set(share, scaled);
    return [scale(change, own - share * weight), scaled];
  });
  const best = bestPairs(
    sums,
    factored.map(({ b }) => b.cols),
    { lefts: factored.map(({ b }) => b), rights: factored.map(({ a }) => a.transpose()) },
  );
  return best.map(({ b, a, tail }) => ({ pair: toLowRank({ b, a }), tail }));
}

function scale({ b, a }: Factors, factor: number): Factors {
  return { b, a: a.scale(factor) };
}
