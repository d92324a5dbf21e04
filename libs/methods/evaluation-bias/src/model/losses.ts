/**
 * The cost ell(v, x) of reporting the score x when the true score is v, before over-estimates (x >
 * v) are multiplied by alpha. `log` and `linear` are signed: under-estimates have a negative cost.
 */
export const losses = {
  squared: (v: number, x: number) => (x - v) ** 2,
  absolute: (v: number, x: number) => Math.abs(x - v),
  log: (v: number, x: number) => Math.log(x / v),
  linear: (v: number, x: number) => x - v,
} as const;

export type Loss = keyof typeof losses;

/**
 * Mean risk of a score x over the true scores: U(x) from under-estimating, O(x) from
 * over-estimating. I = U + alpha·O.
 */
export interface Risk {
  readonly under: number;
  readonly over: number;
}
