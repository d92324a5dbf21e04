import { symmetricEigen, item } from "@fedclair/linalg";
import type { ClairOptions } from "../options.js";
import { gramOf } from "../subspace/fit.js";
import type { View } from "../subspace/view.js";

/**
 * Step 3: the dimension of the shared space of one module.
 *
 * Automatic: for each candidate r the search finds the clients that an r-dimensional space fits best; the r with the
 * clearest drop of their spectrum from the r-th to the next direction wins. An untrimmed spectrum would count the colluders' directions.
 * @param views of the module, one or both sides
 * @param membersAt the clients that the search finds at a rank
 */
export async function rankOf(
  views: readonly View[],
  options: Pick<ClairOptions, "rank" | "rankMax">,
  membersAt: (rank: number) => Promise<readonly number[]>,
): Promise<number> {
  const rows = Math.min(...views.map(({ stack }) => stack.rows));
  if (options.rank !== "auto") return Math.min(options.rank, rows);
  const extent = Math.min(...views.map((view) => view.extent));
  const last = Math.min(options.rankMax, extent - 1, rows);
  let best = { rank: Math.min(1, rows), drop: 0 };
  for (let rank = 1; rank <= last; rank++) {
    const members = await membersAt(rank);
    const drop = Math.min(...views.map((view) => spectralDrop(view, members, rank)));
    // A later rank must be better by more than rounding.
    if (drop > best.drop * (1 + 1e-9)) best = { rank, drop };
  }
  return best.rank;
}

/** λ_r / λ_{r+1} of the members' stack, squared singular values; λ below 1e-12 of the largest count as rounding. */
function spectralDrop(view: View, members: readonly number[], rank: number): number {
  const { values } = symmetricEigen(gramOf(view, members));
  const next = values[rank] ?? 0; // none where the space has all dimensions
  return item(values, rank - 1) / Math.max(next, 1e-12 * item(values, 0));
}
