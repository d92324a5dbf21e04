import type { LowRank } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { innerProduct, toFactors } from "@fedclair/rules";
import { openAdapter, readScaledPair } from "../adapters/peft.js";

/**
 * Largest share of the energy that an adapter may lose when it is written. BF16 loses about 1e-5,
 * and F16 as much as 1e-3 if its numbers are near the smallest ones.
 */
export const maxLost = 0.01;

/**
 * Reads an adapter that was just written and compares it with what was to be written.
 * @param pairs by module, with the scale multiplied into B
 * @returns the energy of the difference over that of `pairs`; NaN if numbers became infinite
 */
export async function measureLostEnergy(
  folder: string,
  pairs: ReadonlyMap<string, LowRank>,
): Promise<number> {
  const { modules } = await openAdapter(folder);
  const energies: number[] = [];
  const lost = [...pairs].map(([module, pair]) => {
    const written = modules.get(module);
    const wanted = toFactors(pair);
    const energy = innerProduct(wanted, wanted);
    energies.push(energy);
    if (written === undefined) return energy;
    const got = toFactors(readScaledPair(written));
    return Math.max(0, energy - 2 * innerProduct(wanted, got) + innerProduct(got, got));
  });
  const all = sum(energies);
  return all === 0 ? sum(lost) : sum(lost) / all;
}
