import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Trial } from "@fedclair/core/internal";
import { parse, stringify } from "yaml";
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
 * Reads the trial of a run folder with the present options, so that runs of earlier releases stay
 * readable. The trial passed its schema when `RunFolder` wrote it.
 * @throws the error of the system if the folder has no `trial.yaml`
 */
export async function readRunTrial(folder: string): Promise<RunTrial> {
  const text = await readFile(join(folder, "trial.yaml"), "utf8");
  const written = parse(text) as Trial;
  if (!formerName.test(text)) return { written, trial: written, text, lost: [] };
  const { now, lost } = updateTrial(written);
  if (isDeepStrictEqual(now, written)) return { written, trial: written, text, lost };
  return { written, trial: now, text: stringify(now), lost };
}
