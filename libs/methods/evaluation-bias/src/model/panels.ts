import { item, at } from "@fedclair/linalg";
import { gaussLegendre, integrate } from "./gauss-legendre.js";
import type { Density } from "./densities.js";

const rule = gaussLegendre(16);

/** Composite 16-point Gauss–Legendre quadrature in the coordinate of a density: x, or y = ln x. */
export interface Panels {
  /** Ends of the panels, ascending. */
  readonly edges: Float64Array;
  readonly logarithmic: boolean;
}

/**
 * Divides an interval into panels.
 * @param lo lower end in the coordinate of the density
 * @param hi upper end in the coordinate of the density
 */
export function createPanels(
  { seams = [], logarithmic = false }: Density,
  lo: number,
  hi: number,
  count = 120,
): Panels {
  const stops = [lo, ...seams.filter((y) => y > lo && y < hi), hi];
  const each = Math.ceil(count / (stops.length - 1));
  const edges = stops.slice(1).flatMap((to, piece) => {
    const from = item(stops, piece);
    return Array.from({ length: each }, (_, i) => from + ((to - from) * i) / each);
  });
  return { edges: Float64Array.from([...edges, hi]), logarithmic };
}

/**
 * Returns the scores at the nodes, and ln of dx at each node: its weight times the slope of x =
 * e^y.
 */
export function listNodes({ edges, logarithmic }: Panels): {
  x: Float64Array;
  logWeight: Float64Array;
} {
  const size = (edges.length - 1) * rule.nodes.length;
  const x = new Float64Array(size);
  const logWeight = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const panel = Math.floor(k / rule.nodes.length);
    const i = k % rule.nodes.length;
    const lo = at(edges, panel);
    const half = (at(edges, panel + 1) - lo) / 2;
    const y = lo + half * (1 + at(rule.nodes, i));
    x[k] = logarithmic ? Math.exp(y) : y;
    logWeight[k] = Math.log(half * at(rule.weights, i)) + (logarithmic ? y : 0);
  }
  return { x, logWeight };
}

/** Computes ∫ f(x) dx between two coordinates within one panel. */
export function integratePart(
  f: (x: number) => number,
  lo: number,
  hi: number,
  logarithmic: boolean,
): number {
  if (!logarithmic) return integrate(f, lo, hi, rule);
  return integrate((y) => f(Math.exp(y)) * Math.exp(y), lo, hi, rule);
}
