/** Where a function is lowest, as far as a search found. */
export interface Lowest {
  readonly at: readonly number[];
  readonly value: number;
}

/**
 * Compass search: goes where the function is lower one step along an axis or a diagonal, and halves the step where it is
 * nowhere lower (T. G. Kolda, R. M. Lewis, V. Torczon, Optimization by Direct Search, SIAM Review 45, 2003). For functions of
 * few variables without useful derivatives, as a total variation.
 * @param step first step, the same along every axis @param smallest the search ends at a step below it
 */
export function compassSearch(
  f: (at: readonly number[]) => number,
  start: readonly number[],
  step = 0.25,
  smallest = 1e-3,
): Lowest {
  const directions = directionsOf(start.length);
  let best: Lowest = { at: start, value: f(start) };
  for (let length = step; length >= smallest;) {
    let lower: Lowest = best;
    for (const direction of directions) {
      const at = best.at.map((x, i) => x + length * (direction[i] ?? NaN));
      const value = f(at);
      if (value < lower.value) lower = { at, value };
    }
    if (lower === best) length /= 2;
    best = lower;
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
