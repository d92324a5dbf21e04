import type { RefinedPair } from "@fedclair/aggregators";
import type { LowRank } from "@fedclair/core";

/** An adapter's refined change. */
export interface RefinedPairs {
  /** By module, of the rank that the adapter's own pair has. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Share of the energy that these ranks cannot hold, the mean over modules. */
  readonly discarded: number;
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
      let discarded = 0;
      for (const [module, pairs] of byModule) {
        const refined = pairs.get(id);
        if (refined === undefined) continue;
        modules.set(module, refined.pair);
        discarded += refined.tail / byModule.size;
      }
      return [id, { modules, discarded }];
    }),
  );
}
