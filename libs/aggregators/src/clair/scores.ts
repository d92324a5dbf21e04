import { sum } from "@fedclair/linalg";
import type { Energies } from "./fit.js";
import type { Problem } from "./problem.js";

/**
 * Every client's sine of the angle to the space: the root of |QZ|² summed over the views and divided by the number of
 * those that are not zero; with pooling max the largest by view.
 * @param energies by view
 */
export function sines({ facts, pooling }: Problem, energies: readonly Energies[]): number[] {
  return byClient(energies).map(({ outside }, k) => {
    if (pooling === "max") return Math.sqrt(Math.max(0, ...outside));
    const views = facts.filter(({ isZero }) => !isZero[k]).length;
    return Math.sqrt(sum(outside) / Math.max(1, views));
  });
}

/** Every client's tangent of the angle to the space, |QZ|/|PZ|, at most 1e6; with pooling max the largest by view. */
export function tangents({ pooling }: Problem, energies: readonly Energies[]): number[] {
  return byClient(energies).map(({ inside, outside }) =>
    pooling === "max"
      ? Math.max(0, ...outside.map((energy, v) => ratio(energy, inside[v] ?? NaN)))
      : ratio(sum(outside), sum(inside)),
  );
}

/** One client's energies, by view. */
function byClient(energies: readonly Energies[]): Energies[] {
  return Array.from({ length: energies[0]?.inside.length ?? 0 }, (_, k) => ({
    inside: Float64Array.from(energies, ({ inside }) => inside[k] ?? NaN),
    outside: Float64Array.from(energies, ({ outside }) => outside[k] ?? NaN),
  }));
}

const largestTangent = 1e6;

function ratio(outside: number, inside: number): number {
  // A client that changed nothing lies in every space.
  return outside === 0 ? 0 : Math.min(Math.sqrt(outside / inside), largestTangent);
}
