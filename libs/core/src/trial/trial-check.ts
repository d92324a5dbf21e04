import { clientIds } from "../contracts/clients.js";
import { pluginOptions } from "../contracts/plugin-choice.js";
import type { Plugins } from "../contracts/plugin.js";
import { UserError } from "../words/errors.js";
import { didYouMean } from "../words/did-you-mean.js";
import { excerpt } from "../words/text.js";
import { cohortSize } from "./cohort.js";
import { checkContamination } from "./data-contamination.js";
import type { PreparedArm, PreparedTrial } from "./prepared-trial.js";

/** The members of an attack that act; at least one must be present. */
const acts = ["corruptLabels", "corruptUpdate", "data", "attackRound"] as const;

/** The fields of a prepared trial that the checks read. */
type Checked = Pick<
  PreparedTrial,
  | "trial"
  | "taskPlugin"
  | "arms"
  | "attacks"
  | "contaminations"
  | "mods"
  | "external"
  | "unknown"
  | "measures"
>;

/**
 * Checks what a schema cannot: that the task supports the aggregators, attacks, mods and number of
 * clients.
 * @param plugins for messages that list alternatives
 * @param taskPlace where the trial names its task, for messages
 * @throws UserError naming the key, and what to change
 */
export function checkPlugins(
  prepared: Checked,
  plugins: Plugins,
  file: string,
  taskPlace = file,
): void {
  const { trial, taskPlugin, attacks, arms } = prepared;
  const reject = (fault: string | undefined) => {
    if (fault !== undefined) throw new UserError(`${file}: ${fault}`);
  };
  reject(findExternalFault(prepared));
  reject(findScheduleFault(prepared));
  reject(findTargetFault(prepared));
  for (const i of attacks.keys()) reject(findAttackFault(prepared, i));
  reject(findModFault(prepared));
  reject(findHoldBackFault(prepared));
  try {
    taskPlugin.checkClients?.(trial.clients, pluginOptions(trial.task) as never);
  } catch (error) {
    throw new UserError(`${taskPlace}: ${formatMessage(error)}`);
  }
  for (const [i, arm] of arms.entries()) {
    const key = i === 0 ? "" : `baselines.${i - 1}.`;
    reject(findOracleFault(`${key}clients`, arm, prepared));
    reject(findAggregatorFault(`${key}aggregator: ${arm.choice.name}`, arm, prepared, plugins));
    reject(findOptimizerFault(`${key}serverOptimizer`, arm, prepared));
    reject(findScaffoldFault(`${key}scaffold`, arm, prepared));
    reject(findPersonalFault(`${key}personal`, arm, prepared));
  }
}

/** Is it known which clients an oracle leaves out? */
function findOracleFault(key: string, arm: PreparedArm, { unknown }: Checked): string | undefined {
  if (!arm.benignOnly || unknown.size === 0) return undefined;
  return `${key}: an oracle leaves the contaminated clients out, and nobody knows them here; declare them in attacks, say truth: known, or leave it out`;
}

/** Describes why an arm's server optimiser has no change of shared params to act on. */
function findOptimizerFault(
  key: string,
  { choice, aggregator, serverOptimizer }: PreparedArm,
  { trial, taskPlugin }: Checked,
): string | undefined {
  if (!serverOptimizer) return undefined;
  const { name } = serverOptimizer;
  if (aggregator.changesPersonal)
    return `${key}: ${name} acts on shared params, and aggregator ${choice.name} changes personal ones with these options; leave it out, or choose an aggregator of one global change`;
  const addsChanges = taskPlugin.acceptsStale?.(pluginOptions(trial.task) as never) ?? false;
  if (!addsChanges && !taskPlugin.isExternal)
    return `${key}: ${name} acts on changes of the params, and task ${taskPlugin.name} computes its params by itself; leave it out`;
  return undefined;
}

/** Describes why the clients of an arm cannot correct their steps by control variates. */
function findScaffoldFault(
  key: string,
  { choice, aggregator, scaffold }: PreparedArm,
  { trial, taskPlugin, external }: Checked,
): string | undefined {
  if (!scaffold) return undefined;
  if (external.size > 0)
    return `${key}: external clients cannot correct their steps; simulate all clients, or leave it out`;
  if (!taskPlugin.acceptsControl?.(pluginOptions(trial.task) as never))
    return `${key}: clients of task ${taskPlugin.name} cannot correct their steps with these options; use digits with model logistic or mlp, or leave it out`;
  if (aggregator.changesPersonal)
    return `${key}: control variates are for shared params, and aggregator ${choice.name} changes personal ones with these options; choose fedavg or another of one global change`;
  if (trial.schedule?.name === "buffered")
    return `${key}: schedule buffered mixes rounds, and control variates belong to one; choose synchronous or semi-synchronous`;
  return undefined;
}

/** Describes why the clients of an arm cannot follow its personal method. */
function findPersonalFault(
  key: string,
  { choice, aggregator, method, scaffold }: PreparedArm,
  { trial, taskPlugin, external }: Checked,
): string | undefined {
  if (!method) return undefined;
  const { name } = method;
  if (external.size > 0)
    return `${key}: external clients keep no params of their own for ${name}; simulate all clients, or leave it out`;
  if (!taskPlugin.refusesSteps)
    return `${key}: clients of task ${taskPlugin.name} take no single gradient steps, which ${name} needs; use digits, table or linear-regression, or leave it out`;
  const refusal = taskPlugin.refusesSteps(pluginOptions(trial.task) as never);
  if (refusal !== undefined)
    return `${key}: ${name} needs single gradient steps, and clients of task ${taskPlugin.name} take none with these options: ${refusal}`;
  if (aggregator.changesPersonal)
    return `${key}: ${name} makes models of its own from shared params, and aggregator ${choice.name} changes personal ones with these options; choose fedavg or another of one global change`;
  if (scaffold)
    return `${key}: clients follow either ${name} or scaffold; leave one of the two out`;
  if (trial.schedule?.name === "buffered")
    return `${key}: schedule buffered mixes rounds, and own params belong to one; choose synchronous or semi-synchronous`;
  return undefined;
}

/** Finds external clients that are all there are, or Python code without external clients. */
function findExternalFault({ trial, taskPlugin, external }: Checked): string | undefined {
  if (external.size === 0 && (trial.python ?? trial.flower) !== undefined) {
    const key = trial.python === undefined ? "flower" : "python";
    return `${key}: all clients are simulated, by task ${taskPlugin.name}; choose task external, list clients in external, or leave it out`;
  }
  if (trial.external && taskPlugin.isExternal)
    return `external: all clients of task ${taskPlugin.name} are external; leave it out`;
  return undefined;
}

/** Does the task accept stale updates if the schedule is buffered? */
function findScheduleFault({ trial, taskPlugin }: Checked): string | undefined {
  const acceptsStale = taskPlugin.acceptsStale?.(pluginOptions(trial.task) as never) ?? false;
  if (trial.schedule?.name === "buffered" && !acceptsStale)
    return `schedule: buffered mixes changes of different rounds, and task ${taskPlugin.name} makes its params of whole rounds; choose synchronous or semi-synchronous`;
  return undefined;
}

function findTargetFault({ trial, measures }: Checked): string | undefined {
  const { target, task } = trial;
  const { metrics } = measures;
  if (!target || !metrics || Object.hasOwn(metrics, target.metric)) return undefined;
  const names = Object.keys(metrics);
  return `target.metric: task ${task.name} does not measure '${excerpt(target.metric)}'${didYouMean(target.metric, names)}; expected one of ${names.join(", ")}`;
}

/** Describes why the task does not support an attack. @param i the index of the attack's entry */
function findAttackFault(prepared: Checked, i: number): string | undefined {
  const { trial, taskPlugin, attacks, contaminations, external } = prepared;
  const [entry, attack] = [trial.attacks[i], attacks[i]];
  if (!entry || !attack) return undefined;
  const place = `attacks.${i}: ${entry.attack.name}`;
  const { clients } = entry;
  if (attack.labelOnly) {
    if (!clients)
      return `${place} says which clients are contaminated: name them, as clients: [c03, c07]`;
    const simulated = clients.find((id) => !external.has(id));
    if (simulated !== undefined)
      return `${place} does nothing by itself, and task ${trial.task.name} simulates client ${simulated}; choose an attack that acts, or name the client in external`;
  } else if (!acts.some((member) => attack[member] !== undefined))
    return `${place} does nothing: expected one of ${acts.join(", ")}`;
  // Hosts of external clients declare what they can do to their data when they join.
  if (clients?.every((id) => external.has(id)) ?? external.size === trial.clients) return undefined;
  if (attack.corruptLabels && !taskPlugin.hasLabels?.(pluginOptions(trial.task) as never))
    return `${place} contaminates labels, and task ${taskPlugin.name} has none; choose an attack on updates`;
  try {
    if (attack.data) checkContamination(attack.data, contaminations);
  } catch (error) {
    return `${place}, kind ${attack.data?.kind ?? ""}: ${formatMessage(error)}`;
  }
  return undefined;
}

/** Is a format the last of the mods? */
function findModFault({ mods }: Checked): string | undefined {
  const i = mods.slice(0, -1).findIndex(({ mod }) => mod.isFormat);
  const [format, next] = i < 0 ? [] : mods.slice(i);
  if (!format) return undefined;
  const { name } = format;
  return `mods.${i}: ${name} says how an update is written, and ${next?.name ?? ""} would change it again; name ${name} last`;
}

/** Can the task hold back data, and does no mod hide what the losses would show? */
function findHoldBackFault({ trial, taskPlugin, mods }: Checked): string | undefined {
  if (!trial.holdBack) return undefined;
  if (!taskPlugin.holdsBack)
    return `holdBack: clients of task ${taskPlugin.name} hold back no data; leave it out`;
  const rule = mods.find(({ mod }) => mod.client && !mod.isFormat);
  if (rule)
    return `holdBack: clients would send losses on their data, which mod ${rule.name} does not act on; leave one of the two out`;
  return undefined;
}

/** Describes why an arm's aggregator does not fit the task. @param place the arm's in the file */
function findAggregatorFault(
  place: string,
  { choice, aggregator }: PreparedArm,
  { trial, taskPlugin }: Checked,
  plugins: Plugins,
): string | undefined {
  const owners = [...plugins.tasks.values()].filter(({ aggregators }) =>
    aggregators?.some(({ name }) => name === choice.name),
  );
  if (owners.length > 0 && !owners.some(({ name }) => name === taskPlugin.name)) {
    const names = owners.map(({ name }) => name).join(", ");
    return `${place} is for updates of task ${names}, not of ${taskPlugin.name}; choose another aggregator`;
  }
  const plugin = plugins.aggregators.get(choice.name);
  const sharesParams = taskPlugin.sharesParams?.(pluginOptions(trial.task) as never);
  if (sharesParams && plugin?.personalOnly)
    return `${place} leaves every client its own change, and the clients of task ${taskPlugin.name} share their params; choose fedavg, clair or another that averages`;
  if (trial.schedule?.name === "buffered" && !plugin?.acceptsStale) {
    const able = [...plugins.aggregators.values()].filter((other) => other.acceptsStale);
    const others = able.length > 0 ? `one of ${able.map(({ name }) => name).join(", ")}, or ` : "";
    return `${place} takes changes that began at the same params, and schedule buffered mixes rounds; choose ${others}another schedule`;
  }
  try {
    aggregator.checkClients?.(clientIds(trial.clients), cohortSize(trial));
  } catch (error) {
    return `${place}: ${formatMessage(error)}`;
  }
  return undefined;
}

function formatMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
