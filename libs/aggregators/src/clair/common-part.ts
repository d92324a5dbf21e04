/** A share of what clients change from which on it counts as a large part in common: as a mean cosine, or of the energy. */
export const largeCommonPart = 0.3;

/** Of the energy of what a client has beside the common part, so much lies along that by chance. */
const byChance = 0.1;

/**
 * How often a client has what all have in common: more or less than once as it took more or fewer steps, or not at all. Subtracted once
 * from each, the difference would be what varies most. Where it is once but for chance it is 1, so that what clients have of their own
 * stays as it is.
 * @param square |X|² of its change
 * @param along ⟨X, M⟩
 * @param common |M|²
 * @returns s, for X − s·M
 */
export function fitCommonScale(square: number, along: number, common: number): number {
  if (common <= 0) return 0;
  const times = along / common;
  const beside = square - along * times;
  return (times - 1) ** 2 * common <= byChance * beside ? 1 : times;
}
