import { existsSync } from "node:fs";
import { join } from "node:path";

/** Does the folder have a report? */
export function hasReport(folder: string): boolean {
  return existsSync(join(folder, "report.html"));
}
