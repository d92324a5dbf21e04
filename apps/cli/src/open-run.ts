import { join } from "node:path";
import { UserError, type Plugins } from "@fedclair/core";
import {
  oneLine,
  readNamedPlugins,
  prepareResolvedTrial,
  readTrialSource,
  resolveTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { loadPlugins, resolveModule } from "@fedclair/plugins";
import { describeTrial, readRun, readRunTrial, UnreadableError, type Run } from "@fedclair/runs";

/**
 * Reads a run together with its plug-ins' labels, units and figures.
 * @param modules external plug-in modules; if some are missing, the run is still read, with a
 * notice
 * @throws UserError if the folder holds no run
 */
export async function openRun(folder: string, modules: readonly string[]): Promise<Run> {
  const run = await readWithPlugins(folder, modules);
  if (!run.isChained) {
    process.stderr.write(
      `${oneLine(folder)}: written by a release that kept no hashes of records, so later changes go unnoticed\n`,
    );
  }
  return run;
}

async function readWithPlugins(folder: string, modules: readonly string[]): Promise<Run> {
  const file = join(folder, "trial.yaml");
  const text = readTrialText(folder);
  const plugins = await loadPlugins(modules.map((one) => resolveModule(one, ".", "--plugin")));
  const source = readTrialSource(text, file);
  const absent = absentPlugins(source, plugins);
  if (absent.length === 0) {
    const trial = resolveTrial(source, plugins);
    // Unlike `prepareSource`, reads no trace of devices: no round runs, and its file may be gone.
    return await readRun(folder, await describeTrial(prepareResolvedTrial(trial, plugins, file)));
  }
  const list = new Intl.ListFormat("en-GB").format(absent);
  process.stderr.write(
    `${folder} was read without ${list}: pass the modules with --plugin to see their names of clients, units and figures\n`,
  );
  return await readRun(folder);
}

function readTrialText(folder: string): string {
  try {
    return readRunTrial(folder).text;
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    throw new UserError(`'${folder}' is no run folder: it has no trial.yaml (${error.code})`);
  }
}

/** Lists the external plug-ins of a run that are not loaded. */
function absentPlugins({ yaml }: TrialSource, { outside = [] }: Plugins): string[] {
  return readNamedPlugins(yaml)
    .identities.filter(
      ({ kind, name }) => !outside.some((own) => own.kind === kind && own.name === name),
    )
    .map(({ kind, name, version }) => `${kind} '${name}' ${version}`.trimEnd());
}
