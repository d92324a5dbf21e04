import { writeFile } from "node:fs/promises";
import {
  clair,
  makeBank,
  selectModule,
  threadsFor,
  type ClairOptions,
  type Measures,
} from "@fedclair/aggregators";
import { UserError, type Update } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import { countNoun, interruption, print } from "@fedclair/runs";
import { findAdapters } from "../adapters/find-adapters.js";
import { rejectExisting } from "../adapters/reject-existing.js";
import { whenAborted } from "../when-aborted.js";
import { parseOptions } from "./options.js";
import { readPile } from "./pile.js";

/** With fewer adapters a pile says nothing about others. */
const minAdapters = 6;

/**
 * `fedclair calibrate`: makes a bank of thresholds from piles of adapters that the user trusts, for
 * `fedclair audit --bank`.
 * @param folders one pile each; no adapter in them is contaminated
 */
export async function calibrate(
  folders: readonly string[],
  { out, set }: { readonly out: string; readonly set: readonly string[] },
): Promise<void> {
  const options = parseOptions(set);
  await rejectExisting("--out", [out]);
  const sources = new Map<string, readonly Measures[]>();
  for (const folder of folders) {
    process.stderr.write(`measuring ${oneLine(folder)} …\n`);
    const measures = await Promise.race([
      measureFolder(folder, options),
      whenAborted(interruption.signal),
    ]);
    sources.set(folder, [measures]);
  }
  const name = countNoun(folders.length, "pile") + ` of adapters (${folders.join(", ")})`;
  const bank = await makeBank(sources, { name });
  await writeFile(out, JSON.stringify(bank, null, 2) + "\n", { flag: "wx" });
  const sizes = bank.thresholds.map(({ clients }) => clients);
  print(
    `${oneLine(out)}: thresholds for ${Math.min(...sizes)} to ${Math.max(...sizes)} adapters, from ${countNoun(folders.length, "pile")}\n`,
  );
}

async function measureFolder(folder: string, options: ClairOptions): Promise<Measures> {
  const { adapters: found } = await findAdapters([folder]);
  const { adapters, modules, faults } = await readPile(found, () => undefined);
  const [fault] = faults;
  if (fault) throw new UserError(`${oneLine(folder)}: ${oneLine(fault[0])}: ${fault[1]}`);
  if (adapters.size < minAdapters) {
    throw new UserError(
      `${oneLine(folder)}: ${countNoun(adapters.size, "adapter")}: expected at least ${minAdapters} in every pile`,
    );
  }
  const names = [...adapters.keys()];
  const updates = names.map((clientId, k): Update => {
    const delta = new Map([...modules].map(([m, { pairs }]) => [m, item(pairs, k)]));
    return { clientId, numExamples: 1, delta, metrics: {} };
  });
  const rows = [...names.keys()];
  const result = await clair(updates, options, {
    threads: threadsFor(updates, options),
    known: new Map([...modules].map(([name, own]) => [name, selectModule(own, rows)])),
  });
  result.modules.close();
  if (result.measures === undefined)
    throw new UserError("--set: a bank is for the rule evidence: leave rule out");
  return result.measures;
}
