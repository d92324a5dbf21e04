import { at, item } from "@fedclair/linalg";
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
  pmf.forEach((p, i) => (below[i + 1] = at(below, i) + p));
  let cell = 0;
  return cellsOf(edges, (edge) => {
    const v = (edge - offset) / slope;
    if (v <= item(edges, 0)) return 0;
    if (v >= (edges.at(-1) ?? NaN)) return 1;
    // Edges are asked for in ascending order.
    while (item(edges, cell + 1) < v) cell++;
    const [lo, hi] = [item(edges, cell), item(edges, cell + 1)];
    return at(below, cell) + (at(pmf, cell) * (v - lo)) / (hi - lo);
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
      below += at(pmf, i) * normal((edge - at(points, i) - offset) / sd);
    }
    return below;
  });
}

/** The mass of each cell under a law with the distribution function `below`. */
function cellsOf(edges: readonly number[], below: (edge: number) => number): Float64Array {
  const pmf = new Float64Array(edges.length - 1);
  let before = 0;
  for (let i = 1; i < edges.length; i++) {
    const upTo = i === edges.length - 1 ? 1 : below(item(edges, i));
    pmf[i - 1] = upTo - before;
    before = upTo;
  }
  return pmf;
}

const reach = 8;
const perUnit = 256;
const table = Float64Array.from({ length: 2 * reach * perUnit + 2 }, (_, i) =>
  normalTail(reach - i / perUnit),
);

/** The normal distribution function, from a table to 5e-7: fits ask for millions. 1 for 0/0: without blur, a point on an edge. */
function normal(z: number): number {
  if (z <= -reach) return 0;
  if (!(z < reach)) return 1;
  const place = (z + reach) * perUnit;
  const i = Math.floor(place);
  const [lo, hi] = [at(table, i), at(table, i + 1)];
  return lo + (place - i) * (hi - lo);
}
