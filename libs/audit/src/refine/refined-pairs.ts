import type { RankedPair } from "@fedclair/clair";
import type { LowRank } from "@fedclair/core";
import type { RefinementKind } from "@fedclair/core/internal";

/** The refined change of an adapter. */
export interface RefinedPairs {
  /** Refined pairs by module, with the rank of the adapter's own pair. */
  readonly modules: ReadonlyMap<string, LowRank>;
  /** Share of the energy that does not fit into these ranks, averaged over modules. */
  readonly discarded: number;
}

/** Which refined adapters to compute. */
export interface RefineRequest {
  readonly kinds: readonly RefinementKind[];
  /**
   * Whether undecided adapters that are pooled are refined too. Otherwise only benign ones are.
   */
  readonly undecided: boolean;
  /**
   * Called for one kind after the other, because the refined adapters of all kinds may be larger
   * than memory.
   */
  readonly take: (
    kind: RefinementKind,
    refined: ReadonlyMap<string, RefinedPairs>,
  ) => Promise<void>;
}

/**
 * Groups refined pairs by adapter.
 * @param byModule pairs by module, then by adapter
 */
export function groupByAdapter(
  byModule: ReadonlyMap<string, ReadonlyMap<string, RankedPair>>,
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
