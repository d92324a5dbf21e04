import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseTrial, UserError } from "@fedclair/core";
import { plugins } from "@fedclair/plugins";
import { writeReport } from "@fedclair/report";
import { describeTrial } from "@fedclair/runs";

/** `fedclair report`: writes a run's report anew. */
export async function report(folder: string): Promise<void> {
  const file = join(folder, "trial.yaml");
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`'${folder}' is no run folder: it has no trial.yaml`);
  });
  const trial = parseTrial(text, file, plugins);
  await writeReport(folder, await describeTrial(trial, plugins));
  process.stdout.write(join(folder, "report.html") + "\n");
}
