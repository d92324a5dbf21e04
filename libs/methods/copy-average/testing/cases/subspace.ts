import { frobenius, leadingLeft, splitEnergy, type Matrix, item } from "@fedclair/linalg";

/**
 * Finds a subspace that most clients share, by iteratively reweighted least squares. The reference
 * cases use it in place of CLAIR. Clients are weighted by 1/residual, so that distant ones hardly
 * count.
 * @param blocks d×n each, all of the same height
 * @returns orthonormal d×rank, and every client's share |X − UUᵀX|/|X| outside it, 0 … 1
 */
export function findSubspace(blocks: readonly Matrix[], rank: number) {
  const units = blocks.map((block) => block.scale(1 / frobenius(block)));
  let basis = leadingLeft(units, rank);
  for (let pass = 0; pass < 60; pass++) {
    const outside = units.map((unit) => Math.sqrt(splitEnergy(basis, unit).outside));
    basis = leadingLeft(
      units.map((unit, c) => unit.scale(Math.max(item(outside, c), 1e-9) ** -0.5)),
      rank,
    );
  }
  return { basis, residuals: units.map((unit) => Math.sqrt(splitEnergy(basis, unit).outside)) };
}
