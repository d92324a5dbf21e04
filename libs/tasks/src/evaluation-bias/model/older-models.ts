import { normalTail } from "./special.js";

/*
 * Bias models that are older than this one, on cells of scores. What they push beyond the first or
 * last edge counts in the end cells, as scores out of range do.
 */

/**
 * Multiplicative bias, x = slope·v + offset: with constant density within each cell, so that a slope below 1 leaves no gaps.
 * @param edges of the cells, ascending, one more than `pmf` @param slope > 0
 */
export function scaled(
  pmf: Float64Array,
  edges: readonly number[],
  slope: number,
  offset: number,
): Float64Array {
  const below = new Float64Array(edges.length);
  pmf.forEach((p, i) => (below[i + 1] = (below[i] ?? NaN) + p));
  let cell = 0;
  return cellsOf(edges, (edge) => {
    const v = (edge - offset) / slope;
    if (v <= (edges[0] ?? NaN)) return 0;
    if (v >= (edges.at(-1) ?? NaN)) return 1;
    // Edges are asked for in ascending order.
    while ((edges[cell + 1] ?? NaN) < v) cell++;
    const [lo, hi] = [edges[cell] ?? NaN, edges[cell + 1] ?? NaN];
    return (below[cell] ?? NaN) + ((pmf[cell] ?? NaN) * (v - lo)) / (hi - lo);
  });
}

/** Implicit variance, x = v + offset + N(0, sd²), with v at the `points`, one a cell. @param sd ≥ 0 */
export function blurred(
  pmf: Float64Array,
  points: Float64Array,
  edges: readonly number[],
  sd: number,
  offset: number,
): Float64Array {
  return cellsOf(edges, (edge) => {
    let below = 0;
    for (let i = 0; i < points.length; i++) {
      below += (pmf[i] ?? NaN) * normal((edge - (points[i] ?? NaN) - offset) / sd);
    }
    return below;
  });
}

/** The mass of each cell under a law with the distribution function `below`. */
function cellsOf(edges: readonly number[], below: (edge: number) => number): Float64Array {
  const pmf = new Float64Array(edges.length - 1);
  let before = 0;
  for (let i = 1; i < edges.length; i++) {
    const at = i === edges.length - 1 ? 1 : below(edges[i] ?? NaN);
    pmf[i - 1] = at - before;
    before = at;
  }
  return pmf;
}

const reach = 8;
const perUnit = 256;
const table = Float64Array.from({ length: 2 * reach * perUnit + 2 }, (_, i) =>
  normalTail(reach - i / perUnit),
);

/** The normal distribution function, from a table to 5e-7: fits ask for millions. */
function normal(z: number): number {
  if (z <= -reach) return 0;
  if (z >= reach) return 1;
  const place = (z + reach) * perUnit;
  const i = Math.floor(place);
  const [lo, hi] = [table[i] ?? NaN, table[i + 1] ?? NaN];
  return lo + (place - i) * (hi - lo);
}
