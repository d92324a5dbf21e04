import { at } from "@fedclair/linalg";
/** A quadrature rule on [-1, 1]. */
interface QuadratureRule {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

/**
 * Computes the n-point Gauss–Legendre rule, by Newton's method on the Legendre polynomial
 * (Numerical Recipes, gauleg).
 */
export function gaussLegendre(n: number): QuadratureRule {
  const nodes = new Float64Array(n);
  const weights = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (n + 0.5));
    let slope = 1;
    // Convergence is quadratic from within 1/n², so six steps reach rounding for any n.
    for (let step = 0; step < 6; step++) {
      let before = 0;
      let value = 1;
      for (let k = 1; k <= n; k++) {
        [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
      }
      slope = (n * (x * value - before)) / (x * x - 1);
      x -= value / slope;
    }
    nodes[n - 1 - i] = x;
    weights[n - 1 - i] = 2 / ((1 - x * x) * slope * slope);
  }
  return { nodes, weights };
}

/** Computes ∫ f over [lo, hi]. */
export function integrate(
  f: (x: number) => number,
  lo: number,
  hi: number,
  { nodes, weights }: QuadratureRule,
): number {
  const half = (hi - lo) / 2;
  const middle = (hi + lo) / 2;
  let total = 0;
  for (let i = 0; i < nodes.length; i++) {
    total += at(weights, i) * f(middle + half * at(nodes, i));
  }
  return half * total;
}
