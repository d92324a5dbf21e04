import { commandName } from "../words/command-name.js";
import { UserError, type Plugins } from "@fedclair/core";
import {
  locateTask,
  prepareResolvedTrial,
  resolveTrial,
  type PreparedTrial,
  type TrialSource,
} from "@fedclair/core/internal";
import { addPythonCode } from "./python-code.js";
import { readTrace } from "./read-trace.js";
import { isSweep, readTrialFile } from "./read-trial-file.js";

/** Loads the plug-ins that a trial names: `loadNamedPlugins` of @fedclair/plugins. */
type LoadPlugins = (source: TrialSource) => Promise<Plugins>;

/**
 * Reads a trial file and prepares the trial. The file is parsed once, and each plug-in is created
 * once.
 * @param overrides `path=value` texts that replace or add keys, like `--set task.localSteps=5`
 * @throws UserError if the file cannot be read, is a sweep or has faults, or if its plug-ins do not
 *   fit together
 */
export async function prepareTrial(
  file: string,
  overrides: readonly string[],
  loadPlugins: LoadPlugins,
): Promise<PreparedTrial> {
  const source = readTrialFile(file, overrides);
  if (isSweep(source)) {
    throw new UserError(
      `'${file}' describes several trials: use ${commandName()} sweep, or set seeds=1 for one of its seeds`,
    );
  }
  const plugins = await loadPlugins(source);
  const trial = addPythonCode(resolveTrial(source, plugins), source.file);
  const trace = readTrace(trial, source.yaml.place(["devices", "trace"]));
  const taskPlace = locateTask(source, trial, plugins);
  return prepareResolvedTrial(trial, plugins, source.file, trace, taskPlace);
}
