import type { RefinedPair } from "@fedclair/aggregators";
import type { LowRank } from "@fedclair/core";

/** The refined change of an adapter. */
export interface RefinedPairs {
  /** Refined pairs by module, with the rank of the adapter's own pair. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Share of the energy that does not fit into these ranks, averaged over modules. */
  readonly discarded: number;
  /**
   * The share of the replaced part that must be the adapter's own error for the refined adapter to
   * be closer to the ideal one; at least 0. From 1 on, refining cannot improve the adapter.
   */
  readonly breakEven: number;
}

/**
 * Groups refined pairs by adapter.
 * @param byModule pairs by module, then by adapter
 */
export function groupByAdapter(
  byModule: ReadonlyMap<string, ReadonlyMap<string, RefinedPair>>,
): Map<string, RefinedPairs> {
  const adapters = [...byModule.values()].flatMap((pairs) => [...pairs.keys()]);
  return new Map(
    [...new Set(adapters)].map((id) => {
      const modules = new Map<string, LowRank>();
      const sums = { discarded: 0, outside: 0, leastError: 0 };
      for (const [module, pairs] of byModule) {
        const refined = pairs.get(id);
        if (refined === undefined) continue;
        modules.set(module, refined.pair);
        sums.discarded += refined.tail / byModule.size;
        sums.outside += refined.outside;
        sums.leastError += refined.leastError;
      }
      const breakEven = sums.outside > 0 ? sums.leastError / sums.outside : 0;
      return [id, { modules, discarded: sums.discarded, breakEven }];
    }),
  );
}
