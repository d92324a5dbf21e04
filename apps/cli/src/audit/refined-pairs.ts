import type { RefinedPair } from "@fedclair/aggregators";
import type { LowRank } from "@fedclair/core";

/** An adapter's refined change. */
export interface RefinedPairs {
  /** By module, of the rank that the adapter's own pair has. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Share of the energy that these ranks cannot hold, the mean over modules. */
  readonly discarded: number;
  /**
   * Which share of what was replaced must be error of the adapter's own for the refined one to be nearer to what it should have learnt,
   * from 0 on. From 1 on refining cannot gain, whatever is error.
   */
  readonly breakEven: number;
}

/**
 * The same by adapter.
 * @param byModule pairs by adapter, by module
 */
export function refinedPairs(
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
