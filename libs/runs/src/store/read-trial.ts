import { join } from "node:path";
import {
  clientTotal,
  isName,
  readTrialSource,
  type Trial,
  type TrialSource,
} from "@fedclair/core/internal";
import { z } from "zod";
import { readOnlyInside, readText } from "./regular-file.js";

/** The trial of a run folder. */
interface StoredTrial {
  readonly trial: Trial;
  /** The content of `trial.yaml`, with the places in it. */
  readonly source: TrialSource;
}

/**
 * A resolved trial is longer than its file. Like a Welcome, which contains the trial, it has at
 * most 16 MiB.
 */
export const maxResolvedBytes = 16 * 2 ** 20;

const choice = z.looseObject({ name: z.string() });

/** The parts of a trial that are read without its plug-ins, to reject a damaged file. */
const trialShape = z.looseObject({
  name: z.string(),
  claim: z.string().optional(),
  plugins: z.array(z.unknown()).optional(),
  seed: z.int(),
  rounds: z.int(),
  clients: clientTotal,
  task: choice,
  aggregator: choice,
  baselines: z.array(
    z.looseObject({ label: z.string().refine(isName, "expected a name"), aggregator: choice }),
  ),
  attacks: z.array(z.looseObject({ attack: choice })),
  limits: z.looseObject({}),
});

/**
 * Reads the trial of a run folder, which passed its schema when `RunFolder` wrote it.
 * @throws UnreadableError if the folder has no `trial.yaml`; UserError if the file is damaged, or a
 *   link that leads out of the folder
 */
export function readRunTrial(folder: string): StoredTrial {
  const file = join(folder, "trial.yaml");
  // An error quotes the text, which must not be that of a file to which a stranger's link leads.
  const text = readOnlyInside(folder, () => readText(file, maxResolvedBytes));
  const source = readTrialSource(text, file);
  source.yaml.check(trialShape);
  return { trial: source.yaml.content as Trial, source };
}
