/**
 * ell(v, x): what reporting the score x costs when the truth is v, before an over-estimate (x > v) counts alpha times. `log`
 * and `linear` are signed: negative for an under-estimate.
 */
export const losses = {
  squared: (v: number, x: number) => (x - v) ** 2,
  absolute: (v: number, x: number) => Math.abs(x - v),
  log: (v: number, x: number) => Math.log(x / v),
  linear: (v: number, x: number) => x - v,
} as const;

export type Loss = keyof typeof losses;

/** What a score x risks on average over the truth: U(x) by under-estimating, O(x) by over-estimating. I = U + alpha·O. */
export interface Risk {
  readonly under: number;
  readonly over: number;
}
