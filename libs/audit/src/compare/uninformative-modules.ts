import type { ClairResult } from "@fedclair/clair";
import { sum } from "@fedclair/linalg";
import type { Pile } from "./pile.js";

/** Smaller tangents are rounding errors. */
const least = 1e-6;

/**
 * Finds modules in which no adapter can lie outside the shared space. This happens if the space has
 * as many dimensions as the module, or as all benign adapters together, or if all adapters have a
 * factor in common.
 */
export function findUninformative(
  { pooled, spaces }: Pick<ClairResult, "pooled" | "spaces">,
  { adapters }: Pick<Pile, "adapters">,
  tangents: ReadonlyMap<string, ReadonlyMap<string, number>>,
): string[] {
  const isOutside = (module: string) =>
    [...tangents.values()].some((own) => (own.get(module) ?? 0) > least);
  return [...spaces]
    .filter(([module, { rank }]) => {
      const pairs = pooled.flatMap(({ id }) => adapters.get(id)?.modules.get(module) ?? []);
      const rows = Math.min(...pairs.map(({ b, a }) => Math.min(b.shape[0] ?? 0, a.shape[1] ?? 0)));
      if (!isOutside(module)) return true;
      return rank >= Math.min(rows, sum(pairs.map(({ b }) => b.shape[1] ?? 0)));
    })
    .map(([module]) => module);
}
