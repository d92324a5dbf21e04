/**
 * Counts the examples that a client holds back: the share, rounded, but at least one, and never
 * all. A client with a single example holds back nothing.
 * @param share `Shard.holdBack`
 */
export function countHeldBack(examples: number, share = 0): number {
  if (share === 0) return 0;
  return Math.min(Math.max(1, Math.round(share * examples)), Math.max(0, examples - 1));
}
