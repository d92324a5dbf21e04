import { stream } from "@fedclair/linalg";
import { clientIds } from "../contracts/clients.js";
import { pluginOptions } from "../contracts/plugin-choice.js";
import type { Plugins, TaskPlugin } from "../contracts/plugin.js";
import type { Task } from "../contracts/task.js";
import { describeValue } from "../words/describe-value.js";
import { errorLocation, errorMessage, UserError } from "../words/errors.js";
import { listArms, type Arm } from "./arms.js";
import { cohortSize } from "./cohort.js";
import { contaminate } from "./contamination.js";
import { readTaskContaminations } from "./data-contamination.js";
import { Devices } from "./devices.js";
import { explainDoubtfulClients } from "./doubtful-clients.js";
import { findUnknownClients, listExternalClients } from "./external-clients.js";
import { createMods } from "./mods.js";
import { listOptionChanges } from "./option-changes.js";
import type { PreparedArm, PreparedTrial } from "./prepared-trial.js";
import { withServerOptimizer } from "./server-optimizer.js";
import { withModels } from "./shared-models.js";
import type { Trace } from "./trace.js";
import { checkPlugins } from "./trial-check.js";
import { createPlugin, type Trial } from "./trial.js";

/**
 * Creates the plug-ins of a resolved trial, once each, and checks that they fit one another.
 * @param file the trial file, for messages
 * @param trace the content of `devices.trace`
 * @param taskPlace where the trial names its task, for messages; default: `file`
 * @throws UserError if the task does not support the aggregators, attacks, mods or number of
 * clients
 */
export function prepareResolvedTrial(
  trial: Trial,
  plugins: Plugins,
  file: string,
  trace?: Trace,
  taskPlace = file,
): PreparedTrial {
  const { clients, task, seed } = trial;
  const taskPlugin = plugins.tasks.get(task.name);
  if (!taskPlugin) throw new Error(`there is no task '${task.name}'`);
  const options = pluginOptions(task) as never;
  const rng = stream(seed);
  const attacks = trial.attacks.map(({ attack }) => createPlugin(plugins.attacks, attack));
  const contamination = contaminate(trial, attacks, rng);
  const external = listExternalClients(trial, taskPlugin);
  const [main, ...baselines] = listArms(trial);
  const withPlugins = (arm: Arm, index: number): PreparedArm => {
    const { serverOptimizer, personal } = arm;
    const plain = createPlugin(plugins.aggregators, arm.choice);
    const aggregator = serverOptimizer ? withServerOptimizer(plain, serverOptimizer) : plain;
    if (!personal) return { ...arm, aggregator };
    const method = createPlugin(plugins.personal ?? new Map<string, never>(), personal);
    const { models } = method;
    return {
      ...arm,
      aggregator: models ? withModels(aggregator, models.count) : aggregator,
      method: { arm: index, name: personal.name, method },
    };
  };
  const prepared = {
    trial,
    rng,
    taskPlugin,
    attacks,
    contamination,
    contaminations: readTaskContaminations(taskPlugin, task),
    mods: createMods(trial, plugins),
    external,
    unknown: findUnknownClients(trial, external, contamination),
    absentFrom: new Map(
      trial.absent?.flatMap(({ clients: some, from }) => some.map((id) => [id, from] as const)),
    ),
    measures: taskPlugin.measures?.(options) ?? taskPlugin,
    arms: [withPlugins(main, 0), ...baselines.map((arm, i) => withPlugins(arm, i + 1))] as const,
    devices: trial.devices && new Devices(trial.devices, clients, rng, trace),
    outside: plugins.outside ?? [],
  };
  checkPlugins(prepared, plugins, file, taskPlace);
  const notices = [
    noticeOf(taskPlugin, trial, taskPlace),
    prepared.arms[0].aggregator.notice?.(clients, cohortSize(trial)),
    explainClientHalves(prepared),
    explainDoubtfulClients(trial, contamination.size),
    explainSurvey(prepared),
  ];
  let loading: Promise<Task> | undefined;
  return {
    ...prepared,
    get clientIds() {
      return clientIds(clients); // hosts never ask for it, which saves their memory
    },
    notices: notices.filter((notice) => notice !== undefined),
    listChanges: () => listOptionChanges(trial, plugins),
    loadTask: () => (loading ??= loadTask(taskPlugin, trial, taskPlace)),
  };
}

/** Says where the mods act whose client half a host of external clients does not run. */
function explainClientHalves({
  mods,
  external,
}: Pick<PreparedTrial, "mods" | "external">): string | undefined {
  const names = listClientMods(mods);
  if (external.size === 0 || names.length === 0) return undefined;
  return `mods: the coordinator simulates the client's half of ${names.join(" and ")} for external clients: their hosts send updates without it`;
}

/** Says what no mod acts on although it comes from the clients' data. */
function explainSurvey({
  mods,
  taskPlugin,
}: Pick<PreparedTrial, "mods" | "taskPlugin">): string | undefined {
  const names = listClientMods(mods);
  if (taskPlugin.survey === undefined || names.length === 0) return undefined;
  return `mods: ${names.join(" and ")} does not act on what every client sends before round 1: ${taskPlugin.survey}`;
}

/** Lists the mods that change updates at the client, other than encodings. */
function listClientMods(mods: PreparedTrial["mods"]): string[] {
  return mods.flatMap(({ name, mod }) => (mod.client && !mod.isFormat ? name : []));
}

function noticeOf(plugin: TaskPlugin, { clients, task }: Trial, place: string): string | undefined {
  try {
    return plugin.notice?.(clients, pluginOptions(task) as never);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${place}: ${error.message}`, error.exitCode, error);
  }
}

async function loadTask(
  plugin: TaskPlugin,
  { clients, task }: Trial,
  place: string,
): Promise<Task> {
  const attempt = async <T>(what: string, act: () => T | Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      if (error instanceof UserError) {
        throw new UserError(`${place}: ${error.message}`, error.exitCode, error);
      }
      throw new UserError(
        `task ${task.name} ${what}: ${errorMessage(error)}${errorLocation(error)}`,
        undefined,
        error,
      );
    }
  };
  const created = await attempt("cannot be created", () => {
    return plugin.create(pluginOptions(task) as never);
  });
  const { start, openShard } = (created as Partial<Task> | undefined) ?? {};
  if (typeof start !== "function" || typeof openShard !== "function")
    throw new UserError(
      `task '${task.name}': expected create to return an object with start and openShard, got ${describeValue(created)}`,
    );
  await attempt(`cannot serve ${clients} clients`, () => created.checkClients?.(clients));
  return created;
}
