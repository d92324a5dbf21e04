import { join } from "node:path";
import { sum } from "@fedclair/linalg";
import { openAdapter, readPairs, writeAdapter } from "../adapters/peft.js";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { RefinedPairs } from "./refined-pairs.js";

export interface RefinedFolder {
  readonly folder: string;
  /** How many were written. */
  readonly adapters: number;
  /** Those among them that stay as they are, as refining them cannot gain. */
  readonly unchanged: readonly string[];
  /** By name: which share of what was replaced must be error of its own for the refined adapter to be the better one, 0 … 1. */
  readonly breakEven: Readonly<Record<string, number>>;
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
  const lost = discarded.length === 0 ? 0 : sum(discarded) / discarded.length;
  return { folder, adapters: refined.size, unchanged, breakEven, discarded: lost };
}
