import { join } from "node:path";
import type { RefinementKind } from "@fedclair/core/internal";
import { sum } from "@fedclair/linalg";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import type { RefinedFolder } from "../audit-schema.js";
import { openAdapter, writeAdapter } from "../adapters/peft.js";
import type { RefinedPairs, RefineRequest } from "./refined-pairs.js";

/** The kinds that are written if nothing is measured, by their subfolder. */
export const unmeasured = { shrunk: "shrunk-half", added: "added-half" } as const;

/** The subfolders that are written if nothing is measured. */
export const unmeasuredNames = ["shrunk", "added"] as const;

/**
 * Lists the folders that must not exist before refined adapters are written: their own, and with
 * versions also those of the same names outside the subfolders, so that originals are not mixed
 * with refined adapters.
 * @param versions subfolders with one version each; if empty, adapters are directly in the folder
 */
export function listRefinedFolders(
  folder: string,
  adapters: readonly AdapterFolder[],
  versions: readonly string[],
): string[] {
  const roots = [folder, ...versions.map((name) => join(folder, name))];
  return roots.flatMap((root) => adapters.map(({ name }) => join(root, name)));
}

/** Writes refined adapters as they are computed, one kind at a time. */
export interface RefinedWriter {
  readonly request: RefineRequest;
  /** Called once all kinds have been computed. */
  finish(): Promise<RefinedFolder>;
  /** Removes what is temporary. */
  close(): Promise<void>;
}

/**
 * Writes a shrunk and an added version of every benign adapter, because nothing is known of their
 * losses. A contaminated adapter has nothing to refine and should not be used.
 */
export function createVersionWriter(
  folder: string,
  adapters: readonly AdapterFolder[],
): RefinedWriter {
  const names = new Set<string>();
  const discarded: number[] = [];
  const folders = new Map<RefinementKind, string>(
    unmeasuredNames.map((name) => [unmeasured[name], name]),
  );
  return {
    request: {
      kinds: [...folders.keys()],
      undecided: false,
      take: async (kind, refined) => {
        await writeRefined(join(folder, folders.get(kind) ?? kind), adapters, refined);
        for (const [name, own] of refined) {
          names.add(name);
          discarded.push(own.discarded);
        }
      },
    },
    finish: () =>
      Promise.resolve({
        folder,
        adapters: names.size,
        versions: unmeasuredNames,
        unchanged: [],
        discarded: sum(discarded) / Math.max(1, discarded.length),
      }),
    close: () => Promise.resolve(),
  };
}

/** Writes the refined adapters of one kind. */
export async function writeRefined(
  folder: string,
  adapters: readonly AdapterFolder[],
  refined: ReadonlyMap<string, RefinedPairs>,
): Promise<void> {
  for (const { name, folder: original } of adapters) {
    const pairs = refined.get(name);
    if (pairs === undefined) continue;
    await writeAdapter(join(folder, name), await openAdapter(original), pairs.modules);
  }
}
