import { item } from "@fedclair/linalg";
/** Where a function is lowest, as far as a search found. */
export interface Lowest {
  readonly at: readonly number[];
  readonly value: number;
}

/**
 * Compass search: goes where the function is lower one step along an axis or a diagonal, and halves the step where it is
 * nowhere lower (T. G. Kolda, R. M. Lewis, V. Torczon, Optimization by Direct Search, SIAM Review 45, 2003). For functions of
 * few variables without useful derivatives, as a total variation.
 * @param starts the search sets out from the lowest of these; at least one
 * @param step first step, the same along every axis @param smallest the search ends at a step below it
 */
export function compassSearch(
  f: (at: readonly number[]) => number,
  starts: readonly (readonly number[])[],
  step = 0.25,
  smallest = 1e-3,
): Lowest {
  const valueAt = (at: readonly number[]): Lowest => ({ at, value: f(at) });
  let best = starts.map(valueAt).reduce((a, b) => (b.value < a.value ? b : a));
  const directions = directionsOf(best.at.length);
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

/** All of {-1, 0, 1}ⁿ but the origin. */
function directionsOf(dimensions: number): readonly (readonly number[])[] {
  let directions: readonly (readonly number[])[] = [[]];
  for (let i = 0; i < dimensions; i++) {
    directions = directions.flatMap((d) => [-1, 0, 1].map((x) => [...d, x]));
  }
  return directions.filter((d) => d.some((x) => x !== 0));
}
