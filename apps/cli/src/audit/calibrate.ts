import { writeFile } from "node:fs/promises";
import { findAdapters, parseOptions, readPile, rejectExisting } from "@fedclair/audit";
import {
  clair,
  findThresholds,
  makeBank,
  scoreClients,
  selectModule,
  readShippedBank,
  threadsFor,
  type ClairOptions,
  type Measures,
} from "@fedclair/clair";
import { UserError, type Update } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { at, item } from "@fedclair/linalg";
import { countNoun, formatNumber, interruption, print, whenAborted } from "@fedclair/runs";

/** With fewer adapters a pile says nothing about others. */
const minAdapters = 6;
/** With fewer piles nothing is known about how piles differ. */
const fewPiles = 5;

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
    const { names, measures } = await Promise.race([
      measureFolder(folder, options),
      whenAborted(interruption.signal),
    ]);
    sources.set(folder, [measures]);
    for (const [name, score] of findSuspects(names, measures)) {
      process.stderr.write(
        `warning: ${oneLine(folder)}: ${oneLine(name)} stands out from the others by score ${formatNumber(score)}; if it is contaminated, leave it out\n`,
      );
    }
  }
  if (folders.length < fewPiles) {
    process.stderr.write(
      `warning: thresholds from ${countNoun(folders.length, "pile")} do not show how piles differ from each other: expected ${fewPiles} piles or more\n`,
    );
  }
  const name = countNoun(folders.length, "pile") + ` of adapters (${folders.join(", ")})`;
  const bank = await makeBank(sources, { name });
  await writeFile(out, JSON.stringify(bank, null, 2) + "\n", { flag: "wx" });
  const sizes = bank.thresholds.map(({ clients }) => clients);
  print(
    `${oneLine(out)}: thresholds for ${Math.min(...sizes)} to ${Math.max(...sizes)} adapters, from ${countNoun(folders.length, "pile")}\n`,
  );
}

/** Lists the adapters that an audit with the shipped bank would flag, with their scores. */
function findSuspects(names: readonly string[], measures: Measures): [string, number][] {
  const scored = scoreClients(measures, readShippedBank().spreads);
  const { upper } = findThresholds(readShippedBank(), scored, 0.05);
  return names
    .map((name, k): [string, number] => [name, at(scored.scores, k)])
    .filter(([, score]) => score > upper);
}

async function measureFolder(
  folder: string,
  options: ClairOptions,
): Promise<{ readonly names: readonly string[]; readonly measures: Measures }> {
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
  if (options.rule.by !== "evidence")
    throw new UserError("--set: a bank is for the rule evidence: leave rule out");
  if (result.measures === undefined) {
    throw new UserError(
      `nothing to compare: ${result.active.length} of ${names.length} adapters change anything`,
    );
  }
  return { names: result.active.map(({ id }) => id), measures: result.measures };
}
