import { join } from "node:path";
import { UserError, type Plugins } from "@fedclair/core";
import {
  prepareResolvedTrial,
  readNamedPlugins,
  resolveTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { describeTrial, type TrialDescription } from "../measures/description.js";
import { identifyData, listDataPaths, selectUnknownCode } from "../store/known-code.js";
import { readRunTrial } from "../store/read-trial.js";
import { UnreadableError } from "../store/regular-file.js";

/** The description of a run's trial, or the plug-ins that are missing for it. */
export type StoredDescription =
  | { readonly description: TrialDescription }
  | { readonly missing: readonly string[] };

/**
 * Describes the trial of a run folder. The names of clients are left out if they are in data
 * elsewhere that no run of this user has read.
 * @param load loads the plug-ins for the content of a trial
 * @throws UserError if the folder holds no run, or as `describeTrial`
 */
export async function describeStored(
  folder: string,
  load: (content: unknown) => Promise<Plugins>,
): Promise<StoredDescription> {
  const file = join(folder, "trial.yaml");
  const source = readSource(folder);
  const plugins = await load(source.yaml.content);
  const missing = listMissingPlugins(source, plugins);
  if (missing.length > 0) return { missing };
  const trial = resolveTrial(source, plugins);
  // Reads no trace of devices: no round runs, and its file may be gone.
  const prepared = prepareResolvedTrial(trial, plugins, file);
  const unknownData = selectUnknownCode(identifyData(listDataPaths(prepared), file));
  return { description: await describeTrial(prepared, unknownData.length === 0) };
}

function readSource(folder: string): TrialSource {
  try {
    return readRunTrial(folder).source;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    throw new UserError(`'${folder}' is no run folder: it has no trial.yaml (${error.code})`);
  }
}

/** Lists the external plug-ins of a run that are not loaded. */
function listMissingPlugins({ yaml }: TrialSource, { outside = [] }: Plugins): string[] {
  return readNamedPlugins(yaml)
    .identities.filter(
      ({ kind, name }) => !outside.some((own) => own.kind === kind && own.name === name),
    )
    .map(({ kind, name, version }) => `${kind} '${name}' ${version}`.trimEnd());
}
