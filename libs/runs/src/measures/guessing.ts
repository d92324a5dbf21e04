/** The share of what is left above guessing, below which a result does not count as learned. */
const margin = 0.03;

/** Is a metric clearly better than what guessing reaches? @param better default: higher */
export function isAboveGuessing(
  value: number,
  guess: number,
  better: "higher" | "lower" = "higher",
): boolean {
  return better === "higher" ? value > guess + margin * (1 - guess) : value < (1 - margin) * guess;
}
