import { at, item, normalTail } from "@fedclair/linalg";

/*
 * Older bias models on cells of scores. Mass that they push beyond the first or last edge counts in
 * the end cells, like scores out of range.
 */

/**
 * Applies multiplicative bias, x = slope·v + offset. The density is constant within each cell, so a
 * slope below 1 leaves no gaps.
 * @param edges of the cells, ascending, one more than `pmf`
 * @param slope > 0
 */
export function scaleScores(
  pmf: Float64Array,
  edges: readonly number[],
  slope: number,
  offset: number,
): Float64Array {
  const below = new Float64Array(edges.length);
  pmf.forEach((p, i) => (below[i + 1] = at(below, i) + p));
  let cell = 0;
  return computeCellMass(edges, (edge) => {
    const v = (edge - offset) / slope;
    if (v <= item(edges, 0)) return 0;
    if (v >= (edges.at(-1) ?? NaN)) return 1;
    // Edges are visited in ascending order.
    while (item(edges, cell + 1) < v) cell++;
    const [lo, hi] = [item(edges, cell), item(edges, cell + 1)];
    return at(below, cell) + (at(pmf, cell) * (v - lo)) / (hi - lo);
  });
}

/**
 * Applies implicit variance, x = v + offset + N(0, sd²), with v at the `points`, one per cell.
 * @param sd ≥ 0
 */
export function blur(
  pmf: Float64Array,
  points: Float64Array,
  edges: readonly number[],
  sd: number,
  offset: number,
): Float64Array {
  return computeCellMass(edges, (edge) => {
    let below = 0;
    for (let i = 0; i < points.length; i++) {
      below += at(pmf, i) * normal((edge - at(points, i) - offset) / sd);
    }
    return below;
  });
}

/** Computes the mass of each cell under the distribution function `below`. */
function computeCellMass(edges: readonly number[], below: (edge: number) => number): Float64Array {
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

/**
 * Returns the normal distribution function from a table, accurate to 5e-7, because fits call it
 * millions of times. Returns 1 for 0/0, which is a point on an edge without blur.
 */
function normal(z: number): number {
  if (z <= -reach) return 0;
  if (!(z < reach)) return 1;
  const place = (z + reach) * perUnit;
  const i = Math.floor(place);
  const [lo, hi] = [at(table, i), at(table, i + 1)];
  return lo + (place - i) * (hi - lo);
}
