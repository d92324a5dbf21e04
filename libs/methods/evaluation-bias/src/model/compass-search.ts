import { item } from "@fedclair/linalg";
/** The lowest value that a search found, and its point. */
export interface Lowest {
  readonly at: readonly number[];
  readonly value: number;
}

/**
 * Minimises a function by compass search: moves one step along an axis or a diagonal if the
 * function is lower there, and halves the step if it is lower nowhere (T. G. Kolda, R. M. Lewis, V.
 * Torczon, Optimization by Direct Search, SIAM Review 45, 2003). It suits functions of few
 * variables without useful derivatives, such as a total variation.
 * @param starts candidates for the starting point, at least one; the search starts from the lowest
 * @param step first step, the same along every axis
 * @param smallest the search ends at a smaller step
 */
export function compassSearch(
  f: (at: readonly number[]) => number,
  starts: readonly (readonly number[])[],
  step = 0.25,
  smallest = 1e-3,
): Lowest {
  const valueAt = (at: readonly number[]): Lowest => ({ at, value: f(at) });
  let best = starts.map(valueAt).reduce((a, b) => (b.value < a.value ? b : a));
  const directions = listDirections(best.at.length);
  for (let length = step; length >= smallest;) {
    const before = best;
    for (const direction of directions) {
      const next = valueAt(best.at.map((x, i) => x + length * item(direction, i)));
      if (next.value < best.value) best = next;
    }
    if (best === before) length /= 2;
  }
  return best;
}

/** Lists all points of {-1, 0, 1}ⁿ except the origin. */
function listDirections(dimensions: number): readonly (readonly number[])[] {
  let directions: readonly (readonly number[])[] = [[]];
  for (let i = 0; i < dimensions; i++) {
    directions = directions.flatMap((d) => [-1, 0, 1].map((x) => [...d, x]));
  }
  return directions.filter((d) => d.some((x) => x !== 0));
}
