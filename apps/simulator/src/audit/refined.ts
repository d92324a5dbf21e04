import { compressLowRank, type Refined } from "@fedclair/aggregators";
import { tensorOf, type LowRank } from "@fedclair/core";
import { hstack } from "@fedclair/linalg";

/**
 * A client's refined change as adapters of one rank: its own part inside the shared space and what all share outside it,
 * compressed together.
 * @returns undefined of a client that was not refined; `discarded`: the share of the energy that the rank cannot hold, the
 *   mean over modules
 */
export function refinedPairs(
  id: string,
  rank: number,
  refined: ReadonlyMap<string, Refined>,
): { readonly modules: ReadonlyMap<string, LowRank>; readonly discarded: number } | undefined {
  const modules = new Map<string, LowRank>();
  let discarded = 0;
  for (const [module, { personal, shared, share }] of refined) {
    const own = personal.get(id);
    if (own === undefined || !("b" in shared)) return undefined;
    const b = share > 0 ? hstack([own.b, shared.b]) : own.b;
    const a = share > 0 ? hstack([own.a.transpose(), shared.a.transpose()]).transpose() : own.a;
    const pair = compressLowRank(b, a, rank);
    modules.set(module, { b: tensorOf(pair.b), a: tensorOf(pair.a) });
    discarded += pair.tail / refined.size;
  }
  return { modules, discarded };
}
