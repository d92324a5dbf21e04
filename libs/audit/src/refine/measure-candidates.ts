import { cp } from "node:fs/promises";
import { join, resolve } from "node:path";
import { candidateKinds, refinementKinds, type CandidateKind } from "@fedclair/core/internal";
import { item, sum } from "@fedclair/linalg";
import type { AdapterFolder } from "../adapters/find-adapters.js";
import { openAdapter, readChanges, writeAdapter } from "../adapters/peft.js";
import { measureLosses, type MeasureOptions } from "./measure-losses.js";
import { createTemporaryFolder } from "./temporary-folder.js";
import { writeRefined, type RefinedWriter } from "./write-refined.js";

/**
 * Writes the candidate with the lowest loss for every pooled adapter. The candidates are in a
 * temporary folder, `<candidate>/<name>`, and `own` is the adapter's own folder.
 * @throws UserError if the command fails for a candidate; nothing is written then
 */
export async function createMeasuringWriter(
  folder: string,
  adapters: readonly AdapterFolder[],
  options: MeasureOptions,
): Promise<RefinedWriter> {
  const { path: temporary, remove } = await createTemporaryFolder(options.signal);
  const discarded = new Map<string, number>();
  const names = new Set<string>();
  const pathOf = (kind: CandidateKind, { name, folder: original }: AdapterFolder) =>
    kind === "own" ? resolve(original) : join(temporary, kind, name);
  return {
    request: {
      kinds: refinementKinds,
      undecided: true,
      take: async (kind, refined) => {
        await writeRefined(join(temporary, kind), adapters, refined);
        for (const [name, own] of refined) {
          names.add(name);
          discarded.set(join(kind, name), own.discarded);
        }
      },
    },
    finish: async () => {
      const tried = adapters.filter(({ name }) => names.has(name));
      const measured = await measureLosses(tried, candidateKinds, pathOf, options);
      for (const [k, { name, chosen }] of measured.entries()) {
        const to = join(folder, name);
        const from = item(tried, k);
        if (chosen === "own") {
          const adapter = await openAdapter(from.folder);
          await writeAdapter(to, adapter, readChanges(adapter));
        } else await cp(pathOf(chosen, from), to, { recursive: true });
      }
      const lost = measured.flatMap(({ name, chosen }) => discarded.get(join(chosen, name)) ?? []);
      return {
        folder,
        adapters: tried.length,
        versions: [],
        unchanged: measured.flatMap(({ name, chosen }) => (chosen === "own" ? [name] : [])),
        discarded: sum(lost) / Math.max(1, lost.length),
        evaluation: { command: options.command.text, adapters: measured },
      };
    },
    close: remove,
  };
}
