/**
 * The mean cosine, or the share of energy, from which on the part that clients have in common
 * counts as large.
 */
export const largeCommonPart = 0.3;

/** The share of the energy outside the common part that may lie along it by chance. */
const byChance = 0.1;

/**
 * Fits the scale at which a client's change contains the common part. The scale is above or below 1
 * for a client that took more or fewer steps, and may be 0. Subtracting the common part once from
 * everyone would leave this difference as the main source of variation. A scale that differs from 1
 * only by chance is returned as 1, so that the client's own part stays as it is.
 * @param square |X|² of the client's change
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
