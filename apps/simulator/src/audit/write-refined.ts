import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
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

/** @throws UserError if a refined adapter would lie where something is already, be it the original, or cannot lie at all */
export async function refuseTaken(
  folder: string,
  adapters: readonly AdapterFolder[],
): Promise<void> {
  for (const { name } of adapters) {
    const target = join(folder, name);
    const code = await stat(target).then(
      () => "EEXIST",
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
    );
    if (code === "ENOENT") continue;
    throw new UserError(
      code === "EEXIST"
        ? `--refine: '${target}' exists already; name a new folder, nothing is overwritten`
        : `--refine: cannot write to '${target}': ${String(code)}`,
    );
  }
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
