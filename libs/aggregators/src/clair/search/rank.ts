import { at, symmetricEigen } from "@fedclair/linalg";
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
  const spectra = new Map<string, readonly Float64Array[]>(); // ranks have members in common
  let best = { rank: Math.min(1, rows), drop: 0 };
  for (let rank = 1; rank <= last; rank++) {
    const members = await membersAt(rank);
    const own =
      spectra.get(members.join()) ??
      views.map((view) => symmetricEigen(gramOf(view, members)).values);
    spectra.set(members.join(), own);
    const drop = Math.min(...own.map((values) => spectralDrop(values, rank)));
    // A later rank must be better by more than rounding.
    if (drop > best.drop * (1 + 1e-9)) best = { rank, drop };
  }
  return best.rank;
}

/** λ_r / λ_{r+1} of the members' stack, squared singular values; λ below 1e-12 of the largest count as rounding. */
function spectralDrop(values: Float64Array, rank: number): number {
  const next = values[rank] ?? 0; // none where the space has all dimensions
  return at(values, rank - 1) / Math.max(next, 1e-12 * at(values, 0));
}
