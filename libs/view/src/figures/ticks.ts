/** Ticks of a logarithmic axis: powers of ten, with some between them if the axis is short. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const count = Math.ceil(Math.log10(high)) - first;
  const powers = Array.from({ length: count + 1 }, (_, i) => first + i);
  // Parsed from text, because 10 ** -3 is not exactly 0.001.
  const times = (factor: number) => powers.map((power) => Number(`${factor}e${power}`));
  const factors = high / low > 1000 ? [1] : high / low > 10 ? [1, 2, 5] : [1, 1.5, 2, 3, 5, 7];
  const values = factors.flatMap(times);
  return values.filter((x) => x >= low && x <= high).sort((a, b) => a - b);
}

/** At most about `most` ticks in equal steps of 1, 2 or 5 times a power of ten. */
export function stepTicks(low: number, high: number, most: number): number[] {
  const least = (high - low) / most;
  const power = Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((one) => one * 10 ** power >= least) ?? 10;
  const step = Number(`${factor}e${power}`);
  const first = Math.ceil(low / step);
  const count = Math.max(0, Math.floor(high / step) - first + 1);
  // Rounded, because multiples of 0.1 have errors in their last digit.
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}
