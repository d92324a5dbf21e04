import { clientIds } from "../contracts/clients.js";
import type { Attack } from "../contracts/attack.js";
import type { Plugins } from "../contracts/plugin.js";
import type { Task } from "../contracts/task.js";
import { checkContamination, contaminationsOf } from "./data-contamination.js";
import { UserError } from "../words/errors.js";
import { externalClients, unknownClients } from "./external-clients.js";
import { modsOf } from "./mods.js";
import { didYouMean } from "../words/near.js";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import { excerpt } from "../words/text.js";
import { createPlugin, type Trial } from "./trial.js";

/** How an attack can act. */
const acts = ["corruptLabels", "corruptUpdate", "data", "attackRound"] as const;

/** What a schema cannot tell: does this task bear these attacks and this many clients? */
export function checkPlugins(trial: Trial, plugins: Plugins, file: string): void {
  const task = createPlugin(plugins.tasks, trial.task);
  const external = externalClients(trial, plugins);
  checkExternal(trial, plugins, file);
  checkSchedule(trial, task, external, file);
  checkTarget(trial, plugins, file);
  const known = contaminationsOf(plugins.tasks, trial.task);
  for (const [i, entry] of trial.attacks.entries()) {
    const place = `${file}: attacks.${i}: ${entry.attack.name}`;
    const attack = createPlugin(plugins.attacks, entry.attack);
    if (!attack.labelOnly && !acts.some((member) => attack[member] !== undefined)) {
      throw new UserError(`${place} does nothing: expected one of ${acts.join(", ")}`);
    }
    checkWhoAttacks(place, entry, attack, trial, external);
    if (attack.corruptLabels && !plugins.tasks.get(trial.task.name)?.hasLabels) {
      const advice = "choose an attack on updates";
      throw new UserError(
        `${place} contaminates labels, and task ${trial.task.name} has none; ${advice}`,
      );
    }
    try {
      if (attack.data) checkContamination(attack.data, known);
    } catch (error) {
      throw new UserError(`${place}, kind ${attack.data?.kind ?? ""}: ${messageOf(error)}`);
    }
  }
  checkMods(trial, plugins, external, file);
  try {
    task.checkClients?.(trial.clients);
  } catch (error) {
    throw new UserError(`${file}: ${messageOf(error)}`);
  }
  const check = (path: string, choice: PluginChoice) => {
    checkAggregator(`${file}: ${path}: ${choice.name}`, choice, trial, plugins, task);
  };
  check("aggregator", trial.aggregator);
  for (const [i, { aggregator, clients }] of trial.baselines.entries()) {
    if (clients === "benign" && unknownClients(trial, plugins).size > 0) {
      throw new UserError(
        `${file}: baselines.${i}.clients: an oracle leaves the contaminated clients out, and nobody knows them here; ` +
          "declare them in attacks, say truth: known, or leave it out",
      );
    }
    check(`baselines.${i}.aggregator`, aggregator);
  }
}

/** Those of a task that simulates none need no names. */
function checkExternal({ external, task: { name } }: Trial, { tasks }: Plugins, file: string) {
  if (!external || !tasks.get(name)?.isExternal) return;
  throw new UserError(`${file}: external: all clients of task ${name} are external; leave it out`);
}

/** Simulated time is for simulated clients, and a schedule that buffers for what can make something of old changes. */
function checkSchedule(
  { clients, devices, schedule, task: { name } }: Trial,
  task: Task,
  external: ReadonlySet<string>,
  file: string,
): void {
  if (devices && external.size > 0) {
    const who = whichExternal(external, clients, name);
    throw new UserError(
      `${file}: devices: ${who} are not simulated, and take the time that they take; leave it out`,
    );
  }
  if (schedule?.name === "buffered" && task.step) {
    throw new UserError(
      `${file}: schedule: buffered mixes changes of different rounds, and task ${name} makes its params of whole rounds; ` +
        "choose synchronous or semi-synchronous",
    );
  }
}

function checkTarget({ target, task }: Trial, { tasks }: Plugins, file: string): void {
  const plugin = tasks.get(task.name);
  const { metrics } = plugin?.measures?.(pluginOptions(task) as never) ?? plugin ?? {};
  if (!target || !metrics || Object.hasOwn(metrics, target.metric)) return;
  const names = Object.keys(metrics);
  throw new UserError(
    `${file}: target.metric: task ${task.name} does not measure '${excerpt(target.metric)}'` +
      `${didYouMean(target.metric, names)}; expected one of ${names.join(", ")}`,
  );
}

/** Can its clients apply them, and is a format what they apply last? */
function checkMods(
  trial: Trial,
  plugins: Plugins,
  external: ReadonlySet<string>,
  file: string,
): void {
  const mods = modsOf(trial, plugins);
  for (const [i, { name, mod }] of mods.entries()) {
    const place = `${file}: mods.${i}: ${name}`;
    if (external.size > 0 && mod.client) {
      const who = whichExternal(external, trial.clients, trial.task.name);
      throw new UserError(
        `${place} acts at the client, and ${who} are not simulated; let the clients' own host do it, and leave it out here`,
      );
    }
    if (mod.isFormat && i < mods.length - 1) {
      throw new UserError(
        `${place} says how an update is written, and ${mods[i + 1]?.name ?? ""} would change it again; name ${name} last`,
      );
    }
  }
}

/** Who can carry out the attack: the host that simulates the client, the coordinator, or nobody here. */
function checkWhoAttacks(
  place: string,
  { clients }: Trial["attacks"][number],
  attack: Attack,
  { clients: count, task }: Trial,
  external: ReadonlySet<string>,
): void {
  if (attack.labelOnly && !clients) {
    throw new UserError(
      `${place} says which clients are contaminated: name them, as clients: [c03, c07]`,
    );
  }
  const simulated = clients?.find((id) => !external.has(id));
  if (attack.labelOnly && simulated !== undefined) {
    throw new UserError(
      `${place} does nothing by itself, and task ${task.name} simulates client ${simulated}; choose an attack that acts, or name ` +
        "the client in external",
    );
  }
  if (attack.labelOnly || attack.attackRound || external.size === 0) return;
  if (external.size < count && clients && !clients.some((id) => external.has(id))) return;
  const who = whichExternal(external, count, task.name);
  throw new UserError(
    `${place} acts at the client, and ${who} are not simulated; let the clients' own host do it and name them by ` +
      "{ attack: { name: declared }, clients: […] }, choose an attack with sight of the whole round, as ipm" +
      (external.size < count ? ", or name the simulated clients that it is for" : ""),
  );
}

/** For messages. */
function whichExternal(external: ReadonlySet<string>, clients: number, task: string): string {
  return external.size === clients ? `the clients of task ${task}` : `clients in external`;
}

/** @param place for messages */
function checkAggregator(
  place: string,
  choice: PluginChoice,
  trial: Trial,
  plugins: Plugins,
  { sharesParams }: Task,
): void {
  const owners = [...plugins.tasks.values()].filter(({ aggregators }) =>
    aggregators?.some(({ name }) => name === choice.name),
  );
  if (owners.length > 0 && !owners.some(({ name }) => name === trial.task.name)) {
    const names = owners.map(({ name }) => name).join(", ");
    throw new UserError(
      `${place} is for updates of task ${names}, not of ${trial.task.name}; choose another aggregator`,
    );
  }
  if (sharesParams && plugins.aggregators.get(choice.name)?.personalOnly) {
    throw new UserError(
      `${place} leaves every client its own change, and the clients of task ${trial.task.name} share their params; ` +
        "choose fedavg, clair or another that averages",
    );
  }
  if (trial.schedule?.name === "buffered" && !plugins.aggregators.get(choice.name)?.acceptsStale) {
    const able = [...plugins.aggregators.values()].filter(
      ({ acceptsStale: takesStale }) => takesStale,
    );
    const others = able.length > 0 ? `one of ${able.map(({ name }) => name).join(", ")}, or ` : "";
    throw new UserError(
      `${place} takes changes that began at the same params, and schedule buffered mixes rounds; ` +
        `choose ${others}another schedule`,
    );
  }
  try {
    createPlugin(plugins.aggregators, choice).checkClients?.(clientIds(trial.clients));
  } catch (error) {
    throw new UserError(`${place}: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
