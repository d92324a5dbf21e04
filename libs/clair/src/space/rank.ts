import { at, item, symmetricEigenvalues, indices } from "@fedclair/linalg";
import type { ClairOptions } from "../options.js";
import { gramOf } from "./fit.js";
import type { View } from "./view.js";

/** Finds the clients that a space of the given rank fits best. */
export type MembersAt = (rank: number) => Promise<readonly number[]>;

/** Largest factor between the drop that a rough search finds at a rank and the true one. */
const maxRoughError = 2;

/**
 * Step 3: chooses the dimension of the shared space of one module. For rank auto, the search finds
 * for each candidate r the clients that an r-dimensional space fits best. The r with the clearest
 * drop of their spectrum from the r-th to the next direction wins. A spectrum of all clients would
 * count the colluders' directions. The space has at most half of the module's dimensions: a larger
 * one holds most of any change, so lying outside it would mean nothing.
 * @param views views of the module, from one or both sides
 * @param membersAt the search
 * @param roughlyAt a much faster search, if there is one; ranks with a drop far below its clearest
 * one are skipped
 */
export async function chooseRank(
  views: readonly View[],
  options: Pick<ClairOptions, "rank" | "rankMax">,
  membersAt: MembersAt,
  roughlyAt?: MembersAt,
): Promise<number> {
  const rows = Math.min(...views.map(({ stack }) => stack.rows));
  if (options.rank !== "auto") return Math.min(options.rank, rows);
  const extent = Math.min(...views.map((view) => view.extent));
  const last = Math.min(options.rankMax, Math.floor(extent / 2), rows);
  const dropsBy = async (search: MembersAt, ranks: readonly number[]) => {
    const drops: number[] = [];
    for (const rank of ranks) drops.push(dropOf(await search(rank), rank));
    return drops;
  };
  const dropOf = createDropFunction(views);
  let ranks = indices(last).map((r) => r + 1);
  if (roughlyAt !== undefined) {
    const drops = await dropsBy(roughlyAt, ranks);
    const least = Math.max(...drops) / maxRoughError;
    ranks = ranks.filter((_, i) => item(drops, i) >= least);
  }
  if (ranks.length === 1) return item(ranks, 0);
  let best = { rank: Math.min(1, rows), drop: 0 };
  for (const [i, drop] of (await dropsBy(membersAt, ranks)).entries()) {
    // A higher rank must be better by more than rounding.
    if (drop > best.drop * (1 + 1e-9)) best = { rank: item(ranks, i), drop };
  }
  return best.rank;
}

/**
 * Creates a function for the drop λ_r / λ_{r+1} of the members' stack, with squared singular values
 * λ and the minimum over the views. λ below 1e-12 of the largest count as rounding. Spectra are
 * cached, because several ranks can have the same members.
 */
function createDropFunction(
  views: readonly View[],
): (members: readonly number[], rank: number) => number {
  const spectra = new Map<string, readonly Float64Array[]>();
  return (members, rank) => {
    const own =
      spectra.get(members.join()) ??
      views.map((view) => symmetricEigenvalues(gramOf(view, members)));
    spectra.set(members.join(), own);
    return Math.min(
      ...own.map((values) => {
        const next = values[rank] ?? 0; // none if the space has all dimensions
        return at(values, rank - 1) / Math.max(next, 1e-12 * at(values, 0));
      }),
    );
  };
}
