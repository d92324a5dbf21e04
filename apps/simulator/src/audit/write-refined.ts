import { join } from "node:path";
import { openAdapter, writeAdapter } from "./peft.js";
import type { AdapterFolder } from "./find-adapters.js";
import type { RefinedPairs } from "./refined-pairs.js";

export interface RefinedFolder {
  readonly folder: string;
  /** How many were written. */
  readonly adapters: number;
  /** Share of the energy of the refined changes that adapters of their rank cannot hold, on average. */
  readonly discarded: number;
}

/** Where refined adapters would lie. */
export function refinedFolders(folder: string, adapters: readonly AdapterFolder[]): string[] {
  return adapters.map(({ name }) => join(folder, name));
}

/** Benign adapters only: a contaminated one has nothing to refine, and nobody should use it. */
export async function writeRefined(
  folder: string,
  adapters: readonly AdapterFolder[],
  refined: ReadonlyMap<string, RefinedPairs>,
): Promise<RefinedFolder> {
  let discarded = 0;
  for (const { name, folder: original } of adapters) {
    const pairs = refined.get(name);
    if (pairs === undefined) continue;
    await writeAdapter(join(folder, name), await openAdapter(original), pairs.modules);
    discarded += pairs.discarded / refined.size;
  }
  return { folder, adapters: refined.size, discarded };
}
