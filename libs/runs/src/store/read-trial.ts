import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parseYaml, type Trial } from "@fedclair/core/internal";
import { stringify } from "yaml";
import { z } from "zod";
import { readText } from "./regular-file.js";
import { formerNames, updateTrial } from "./former-options.js";

/** The trial of a run folder, as it was written and with the present options. */
export interface RunTrial {
  readonly written: Trial;
  readonly trial: Trial;
  /** The trial with the present options; as it was written if nothing has changed. */
  readonly text: string;
  /** The options that were dropped, as `normalize: winsor`: without them the numbers differ. */
  readonly lost: readonly string[];
}

const formerName = new RegExp(`^ *(?:rule: \\w|(?:${formerNames.join("|")}):)`, "m");

/**
 * A resolved trial is longer than its file. Like a Welcome, which contains the trial, it has at
 * most 16 MiB.
 */
const maxResolvedBytes = 16 * 2 ** 20;

const choice = z.looseObject({ name: z.string() });

/** The parts of a trial that are read without its plug-ins, to reject a damaged file. */
const trialShape = z.looseObject({
  name: z.string(),
  seed: z.int(),
  rounds: z.int(),
  clients: z.int(),
  task: choice,
  aggregator: choice,
  baselines: z.array(z.looseObject({ label: z.string(), aggregator: choice })),
  attacks: z.array(z.looseObject({ attack: choice })),
  limits: z.looseObject({}),
});

/**
 * Reads the trial of a run folder with the present options, so that runs of earlier releases stay
 * readable. The trial passed its schema when `RunFolder` wrote it.
 * @throws UnreadableError if the folder has no `trial.yaml`; UserError if the file is damaged
 */
export function readRunTrial(folder: string): RunTrial {
  const file = join(folder, "trial.yaml");
  const text = readText(file, maxResolvedBytes);
  const yaml = parseYaml({ text, file, what: "trial", overrides: [] });
  yaml.check(trialShape);
  const written = yaml.content as Trial;
  if (!formerName.test(text)) return { written, trial: written, text, lost: [] };
  const { now, lost } = updateTrial(written);
  if (isDeepStrictEqual(now, written)) return { written, trial: written, text, lost };
  return { written, trial: now, text: stringify(now), lost };
}
