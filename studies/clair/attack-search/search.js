/**
 * @typedef {object} Point an evaluated attack
 * @property {readonly number[]} weights see `forge`
 * @property {number} harm mean over rounds
 * @property {number} flagged share of the rounds in which an attacker is flagged
 */

/** Searches stay within this box, so that the harm of a rule without defence is finite. */
const largest = 10;

/**
 * Searches the weights of the most harm at most often flagged in `limit` of the rounds, for each
 * limit. This is a (1+1) evolution strategy with the one-fifth success rule (Rechenberg 1973), from
 * the best point so far. Every limit may use points that were evaluated for another.
 * @param {(weights: readonly number[]) => Promise<{ harm: number, flagged: number }>} evaluate
 * @param {readonly (readonly number[])[]} starts
 * @param {readonly number[]} limits
 * @param {number} evaluations for each limit
 * @param {import("@fedclair/core").Stream} rng
 * @returns {Promise<readonly Point[]>} all points, in the order in which they were evaluated
 */
export async function searchAttacks(evaluate, starts, limits, evaluations, rng) {
  const points = [];
  const visit = async (weights) => {
    const point = { weights, ...(await evaluate(weights)) };
    points.push(point);
    return point;
  };
  for (const start of starts) await visit(start);
  for (const limit of limits) {
    const draws = rng.at("limit", limit);
    let best = findBest(points, limit);
    let step = 0.5;
    for (let k = 0; k < evaluations; k++) {
      const moves = draws.at(k).normals(best.weights.length);
      const next = await visit(best.weights.map((w, j) => clamp(w + step * moves[j])));
      const isBetter = compare(next, best, limit) < 0;
      if (isBetter) best = next;
      step *= isBetter ? 1.5 : 1.5 ** -0.25;
    }
  }
  return points;
}

/**
 * Returns the point of the most harm among those that are flagged in at most `limit` of the rounds;
 * if there are none, the one that is flagged least.
 * @param {readonly Point[]} points at least one
 */
export function findBest(points, limit) {
  return points.reduce((best, point) => (compare(point, best, limit) < 0 ? point : best));
}

/** Negative if `x` is better than `y`. */
function compare(x, y, limit) {
  const excess = ({ flagged }) => Math.max(0, flagged - limit);
  return excess(x) - excess(y) || y.harm - x.harm;
}

function clamp(weight) {
  return Math.max(-largest, Math.min(largest, weight));
}
