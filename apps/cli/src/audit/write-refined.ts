import { join } from "node:path";
import { sum } from "@fedclair/linalg";
import { openAdapter, readPairs, writeAdapter } from "../adapters/peft.js";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { RefinedPairs } from "./refined-pairs.js";

/** A summary of the refined adapters that were written. */
export interface RefinedFolder {
  readonly folder: string;
  /** Number of adapters written. */
  readonly adapters: number;
  /** Adapters that are written unchanged because refining cannot improve them. */
  readonly unchanged: readonly string[];
  /**
   * For each adapter, the share of the replaced part, 0 … 1, that must be the adapter's own error
   * for the refined adapter to be the better one.
   */
  readonly breakEven: Readonly<Record<string, number>>;
  /**
   * Share of the energy of the refined changes that does not fit into the adapters' ranks, on
   * average.
   */
  readonly discarded: number;
}

/** Lists the folders that refined adapters would be written to. */
export function listRefinedFolders(folder: string, adapters: readonly AdapterFolder[]): string[] {
  return adapters.map(({ name }) => join(folder, name));
}

/**
 * Writes refined adapters of the benign adapters only. A contaminated adapter has nothing to refine
 * and should not be used.
 */
export async function writeRefined(
  folder: string,
  adapters: readonly AdapterFolder[],
  refined: ReadonlyMap<string, RefinedPairs>,
): Promise<RefinedFolder> {
  const unchanged: string[] = [];
  const breakEven: Record<string, number> = {};
  const discarded: number[] = [];
  for (const { name, folder: original } of adapters) {
    const pairs = refined.get(name);
    if (pairs === undefined) continue;
    const adapter = await openAdapter(original);
    if (pairs.breakEven < 1) {
      breakEven[name] = pairs.breakEven;
      discarded.push(pairs.discarded);
    } else unchanged.push(name);
    const modules = pairs.breakEven < 1 ? pairs.modules : readPairs(adapter);
    await writeAdapter(join(folder, name), adapter, modules);
  }
  const meanDiscarded = discarded.length === 0 ? 0 : sum(discarded) / discarded.length;
  return { folder, adapters: refined.size, unchanged, breakEven, discarded: meanDiscarded };
}
