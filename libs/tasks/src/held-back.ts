/**
 * Counts the examples that a client holds back: the share, rounded, but at least one, and never
 * all. A client with a single example holds back nothing.
 * @param share `Shard.holdBack`
 */
export function countHeldBack(examples: number, share = 0): number {
  if (share === 0) return 0;
  return Math.min(Math.max(1, Math.round(share * examples)), Math.max(0, examples - 1));
}

/** The share of a client's own examples that it trains on; the rest is held out. */
export const trainingShare = 0.8;

/** Returns the number of a client's own examples that it trains on, held-back ones included. */
export function countTrained(examples: number): number {
  return Math.min(Math.ceil(trainingShare * examples), examples - 1);
}

/** Counts what the own examples of all clients are used for. */
export function countUses(
  clients: number,
  of: (client: number) => { readonly length: number },
): { readonly trained: number; readonly heldOut: number } {
  let [trained, all] = [0, 0];
  for (let client = 0; client < clients; client++) {
    const { length } = of(client);
    trained += countTrained(length);
    all += length;
  }
  return { trained, heldOut: all - trained };
}
