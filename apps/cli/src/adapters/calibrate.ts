import { writeFile } from "node:fs/promises";
import { calibrate, parseClairOptions, rejectExisting } from "@fedclair/audit";
import { oneLine } from "@fedclair/core/internal";
import { countNoun, interruption, print } from "@fedclair/runs";

/**
 * `fedclair calibrate`: makes a bank of thresholds from piles of adapters that the user trusts, for
 * `fedclair audit --bank`.
 * @param folders one pile each; no adapter in them is contaminated
 */
export async function writeBank(
  folders: readonly string[],
  { out, set }: { readonly out: string; readonly set: readonly string[] },
): Promise<void> {
  const clair = parseClairOptions(set);
  await rejectExisting("--out", [out]);
  const bank = await calibrate(folders, {
    clair,
    signal: interruption.signal,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  await writeFile(out, JSON.stringify(bank, null, 2) + "\n", { flag: "wx" });
  const sizes = bank.thresholds.map(({ clients }) => clients);
  print(
    `${oneLine(out)}: thresholds for ${Math.min(...sizes)} to ${Math.max(...sizes)} adapters, from ${countNoun(folders.length, "pile")}\n`,
  );
}
