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
  return await prepareSource(readTrialFile(file, overrides), loadPlugins);
}

/** Prepares a trial like `prepareTrial`, after it has been read. */
export async function prepareSource(
  source: TrialSource,
  loadPlugins: LoadPlugins,
): Promise<PreparedTrial> {
  if (isSweep(source)) {
    const advice = await describeLists(source, loadPlugins);
    throw new UserError(
      `'${source.file}' describes several trials: use ${commandName()} sweep, or choose one: ${advice}`,
    );
  }
  const plugins = await loadPlugins(source);
  const trial = addPythonCode(resolveSingle(source, plugins), source.file);
  const trace = readTrace(trial, source.yaml.place(["devices", "trace"]));
  const taskPlace = locateTask(source, trial, plugins);
  return prepareResolvedTrial(trial, plugins, source.file, trace, taskPlace);
}

/** Resolves a trial, and names the sweep where the file has a list in place of a value. */
function resolveSingle(source: TrialSource, plugins: Plugins): ReturnType<typeof resolveTrial> {
  try {
    return resolveTrial(source, plugins);
  } catch (error) {
    if (!(error instanceof UserError) || !error.message.includes(", got a list")) throw error;
    const remedy = `, got a list: give one value, or compare all of them with ${commandName()} sweep`;
    throw new UserError(error.message.replace(/, got a list$/gm, remedy), error.exitCode, error);
  }
}

/** Says how to choose one of several trials: which values to set in place of which lists. */
async function describeLists(source: TrialSource, loadPlugins: LoadPlugins): Promise<string> {
  const { seeds = 1, sweep } = source.yaml.content as Readonly<Record<string, unknown>>;
  // Loaded here, because a run does not need it.
  const { parseSweep } = await import("../sweep/sweep-file.js");
  const { dimensions } = parseSweep(source, await loadPlugins(source));
  const lists = dimensions.filter(({ path }) => path !== "seed").map(({ path }) => path);
  const steps = [
    ...(sweep === undefined ? [] : ["take its section sweep out of a copy"]),
    ...(lists.length > 0 ? [`give one value for each list (${lists.join(", ")})`] : []),
    ...(seeds === 1 ? [] : ["set seeds=1"]),
  ];
  return steps.join(", ");
}
