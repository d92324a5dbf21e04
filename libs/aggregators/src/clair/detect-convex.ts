import { outlierPursuit } from "./convex.js";
import type { Detection } from "./detect.js";
import { fit, type Problem } from "./fit.js";
import type { ClairOptions } from "./options.js";
import { cutOf } from "./rules.js";

/** Below it a block of S is what the solver leaves of zero. */
const leastBlock = 1e-3;

/**
 * Steps 4 and 5 by the convex program (section 2.1) in place of the search, as a cross-check: a client's score is the norm
 * of its block of S, which is zero for benign clients, over its views as a root mean square. Colluders on one line beat
 * it beyond a share of 1/r of the clients (λ in the middle of its valid range, 1.05·sqrt(2r/K)); there is no memory of earlier rounds.
 */
export function detectConvex(problem: Problem, options: ClairOptions): Detection {
  const { sought, size } = problem;
  const squares = new Float64Array(size);
  for (const { view, rank } of sought) {
    const { blockNorms } = outlierPursuit(view.blocks, 1.05 * Math.sqrt((2 * rank) / size));
    blockNorms.forEach((norm, k) => (squares[k] = (squares[k] ?? NaN) + norm ** 2));
  }
  const scores = Array.from(squares, (square, k) => {
    const views = sought.filter(({ view }) => !view.isZero[k]).length;
    return Math.sqrt(square / Math.max(1, views));
  });
  const cut = cutOf(scores, { ...options, scoreFloor: Math.max(options.scoreFloor, leastBlock) });
  const below = [...scores.keys()].filter((k) => (scores[k] ?? NaN) <= cut.threshold);
  return { ...cut, scores, benign: below, bases: fit(problem, below) };
}
