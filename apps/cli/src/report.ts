import { join } from "node:path";
import { writeRunReport } from "@fedclair/report";
import { print } from "@fedclair/runs";
import { openRun } from "./open-run.js";

/**
 * `fedclair report`: writes a run's report again.
 * @param modules the trial's external plug-in modules
 */
export async function report(folder: string, modules: readonly string[]): Promise<void> {
  await writeRunReport(await openRun(folder, modules), folder);
  print(join(folder, "report.html") + "\n");
}
