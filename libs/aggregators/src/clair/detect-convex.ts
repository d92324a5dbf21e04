import type { Detection } from "./detect.js";
import type { ClairOptions } from "./options.js";
import type { Problem } from "./problem.js";
import { benignBy, cutOf } from "./rules.js";

/** Below it a block of S is what the solver leaves of zero. */
const leastBlock = 1e-3;

/**
 * Steps 4 and 5 by the convex program (section 2.1) in place of the search, as a cross-check: a client's score is the norm
 * of its block of S, which is zero for benign clients, over its views as a root mean square. Colluders on one line beat
 * it beyond a share of 1/r of the clients (λ in the middle of its valid range, 1.05·sqrt(2r/K)); there is no memory of earlier rounds.
 */
export async function detectConvex(problem: Problem, options: ClairOptions): Promise<Detection> {
  const { parts, facts, size } = problem;
  const squares = new Float64Array(size);
  for (const blockNorms of (await parts.each("pursueOutliers")).flat()) {
    blockNorms.forEach((norm, k) => (squares[k] = (squares[k] ?? NaN) + norm ** 2));
  }
  const scores = Array.from(squares, (square, k) => {
    const views = facts.filter(({ isZero }) => !isZero[k]).length;
    return Math.sqrt(square / Math.max(1, views));
  });
  const cut = cutOf(scores, { ...options, scoreFloor: Math.max(options.scoreFloor, leastBlock) });
  const benign = benignBy(cut, scores);
  await parts.each("fit", benign);
  return { ...cut, scores, benign };
}
