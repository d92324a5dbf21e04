import { join } from "node:path";
import { readForReport, writeRunReport, writeSweep } from "@fedclair/view";
import { print } from "@fedclair/runs";
import { openRunWith } from "./open-run.js";
import { openSweep } from "./open-sweep.js";

/**
 * `fedclair report`: writes the report of a run, a study or a sweep again.
 * @param options.plugins the trial's external plug-in modules
 */
export async function report(
  folder: string,
  { plugins: modules }: { readonly plugins: readonly string[] },
): Promise<void> {
  const sweep = await openSweep(folder);
  if (sweep) await writeSweep(folder, sweep.grid, sweep.results);
  else await writeRunReport(await openRunWith(folder, modules, readForReport), folder);
  print(join(folder, "report.html") + "\n");
}
