/** The decay of Adam's mean of squared slopes per step. */
export const beta2 = 0.99;

/** Returns rate·(1 + cos(πi/n))/2, which falls from `rate` at i = 0 to 0 at i = n. */
export function cosineDecay(rate: number, i: number, n: number): number {
  return (rate * (1 + Math.cos((Math.PI * i) / n))) / 2;
}
