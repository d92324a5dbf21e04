import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { namedPlugins, parseTrial, UserError, type Plugins } from "@fedclair/core";
import { loadPlugins, resolveModule } from "@fedclair/plugins";
import { writeReport } from "@fedclair/report";
import {
  describeRecords,
  describeTrial,
  print,
  readLines,
  type ArmRecord,
  type TrialDescription,
} from "@fedclair/runs";

/** `fedclair report`: writes a run's report anew. @param modules of the trial's plug-ins from outside */
export async function report(folder: string, modules: readonly string[]): Promise<void> {
  const file = join(folder, "trial.yaml");
  const text = await readFile(file, "utf8").catch(() => {
    throw new UserError(`'${folder}' is no run folder: it has no trial.yaml`);
  });
  const plugins = await loadPlugins(modules.map((one) => resolveModule(one, ".", "--plugin")));
  const absent = absentPlugins(text, plugins);
  let description: TrialDescription;
  if (absent.length === 0) {
    description = await describeTrial(parseTrial(text, file, plugins), plugins);
  } else {
    process.stderr.write(
      `reported without ${absent.join(" and ")}: names of clients, units and figures of its own come with --plugin\n`,
    );
    description = describeRecords(await readLines<ArmRecord>(folder, "records.jsonl"));
  }
  await writeReport(folder, description);
  print(join(folder, "report.html") + "\n");
}

/** The plug-ins from outside that a run was made with, and that are not loaded. */
function absentPlugins(trial: string, { outside = [] }: Plugins): string[] {
  return namedPlugins(trial)
    .identities.filter(
      ({ kind, name }) => !outside.some((own) => own.kind === kind && own.name === name),
    )
    .map(({ kind, name, version }) => `${kind} '${name}' ${version}`.trimEnd());
}
