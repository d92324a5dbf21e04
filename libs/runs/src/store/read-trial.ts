import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Trial } from "@fedclair/core/internal";
import { parse, stringify } from "yaml";

/** The present names of options of CLAIR, by the names that they have in old run folders. */
const renamedOptions: Readonly<Record<string, string>> = {
  cSteps: "maxSteps",
  loo: "leaveOneOut",
  looMax: "leaveOneOutMax",
};

/**
 * Reads the trial of a run folder as YAML with the present names of options, so that runs from
 * before a renaming stay readable.
 * @throws the error of the system if the folder has no `trial.yaml`
 */
export async function readRunTrialText(folder: string): Promise<string> {
  const text = await readFile(join(folder, "trial.yaml"), "utf8");
  const hasOldName = Object.keys(renamedOptions).some((name) =>
    new RegExp(`^ *${name}:`, "m").test(text),
  );
  return hasOldName ? stringify(renameOptions(parse(text) as Trial)) : text;
}

/** Reads the trial of a run folder. It passed its schema when `RunFolder` wrote it. */
export async function readRunTrial(folder: string): Promise<Trial> {
  return parse(await readRunTrialText(folder)) as Trial;
}

function renameOptions({ aggregator, baselines, ...trial }: Trial): Trial {
  return {
    ...trial,
    aggregator: renameClair(aggregator),
    baselines: baselines.map((baseline) => ({
      ...baseline,
      aggregator: renameClair(baseline.aggregator),
    })),
  };
}

function renameClair(options: Trial["aggregator"]): Trial["aggregator"] {
  if (options.name !== "clair") return options;
  const entries = Object.entries(options).map(([name, value]) => [
    renamedOptions[name] ?? name,
    value,
  ]);
  return Object.fromEntries(entries) as Trial["aggregator"];
}
