import { clientIds } from "./clients.js";
import type { Attack, Plugins, Task } from "./contracts.js";
import { checkContamination, contaminationsOf } from "./data-contamination.js";
import { UserError } from "./errors.js";
import { modsOf } from "./mods.js";
import { didYouMean } from "./near.js";
import { optionsOf, type PluginChoice } from "./plugin-choice.js";
import { excerpt } from "./text.js";
import { createPlugin, type Trial } from "./trial.js";
import { isTruthUnknown } from "./truth.js";

/** How an attack can act. */
const acts = ["corruptLabels", "corruptUpdate", "data", "attackRound"] as const;

/** What a schema cannot tell: does this task bear these attacks and this many clients? */
export function checkPlugins(trial: Trial, plugins: Plugins, file: string): void {
  const task = createPlugin(plugins.tasks, trial.task);
  checkSchedule(trial, task, plugins, file);
  checkTarget(trial, plugins, file);
  const known = contaminationsOf(plugins.tasks, trial.task);
  for (const [i, entry] of trial.attacks.entries()) {
    const place = `${file}: attacks.${i}: ${entry.attack.name}`;
    const attack = createPlugin(plugins.attacks, entry.attack);
    if (!attack.isDeclared && !acts.some((member) => attack[member] !== undefined)) {
      throw new UserError(`${place} does nothing: expected one of ${acts.join(", ")}`);
    }
    checkForeign(place, entry, attack, trial, plugins);
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
  checkMods(trial, plugins, file);
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
    if (clients === "benign" && isTruthUnknown(trial, plugins)) {
      throw new UserError(
        `${file}: baselines.${i}.clients: an oracle leaves the contaminated clients out, and nobody knows them here; ` +
          "declare them in attacks, say truth: known, or leave it out",
      );
    }
    check(`baselines.${i}.aggregator`, aggregator);
  }
}

/** Simulated time is for simulated clients, and a schedule that buffers for what can make something of old changes. */
function checkSchedule(
  { devices, schedule, task: { name } }: Trial,
  task: Task,
  { tasks }: Plugins,
  file: string,
): void {
  if (devices && tasks.get(name)?.isForeign) {
    throw new UserError(
      `${file}: devices: the clients of task ${name} are not simulated, and take the time that they take; leave it out`,
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
  const { metrics } = plugin?.measures?.(optionsOf(task) as never) ?? plugin ?? {};
  if (!target || !metrics || Object.hasOwn(metrics, target.metric)) return;
  const names = Object.keys(metrics);
  throw new UserError(
    `${file}: target.metric: task ${task.name} does not measure '${excerpt(target.metric)}'` +
      `${didYouMean(target.metric, names)}; expected one of ${names.join(", ")}`,
  );
}

/** Can its clients apply them, and is a format what they apply last? */
function checkMods(trial: Trial, plugins: Plugins, file: string): void {
  const isForeign = plugins.tasks.get(trial.task.name)?.isForeign ?? false;
  const mods = modsOf(trial, plugins);
  for (const [i, { name, mod }] of mods.entries()) {
    const place = `${file}: mods.${i}: ${name}`;
    if (isForeign && mod.client) {
      throw new UserError(
        `${place} acts at the client, and those of task ${trial.task.name} are not simulated; let the clients' own host do ` +
          "it, and leave it out here",
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
function checkForeign(
  place: string,
  entry: Trial["attacks"][number],
  attack: Attack,
  { task: { name } }: Trial,
  { tasks }: Plugins,
): void {
  const isForeign = tasks.get(name)?.isForeign ?? false;
  if (attack.isDeclared && !isForeign) {
    throw new UserError(
      `${place} does nothing by itself, and task ${name} simulates its clients; choose an attack that acts`,
    );
  }
  if (attack.isDeclared && !entry.clients) {
    throw new UserError(
      `${place} says which clients are contaminated: name them, as clients: [c03, c07]`,
    );
  }
  if (isForeign && !attack.isDeclared && !attack.attackRound) {
    throw new UserError(
      `${place} acts at the client, and those of task ${name} are not simulated; let the clients' own host do it and name ` +
        "them by { attack: { name: declared }, clients: […] }, or choose an attack with sight of the whole round, as ipm",
    );
  }
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
  if (sharesParams && plugins.aggregators.get(choice.name)?.sharesNothing) {
    throw new UserError(
      `${place} leaves every client its own change, and the clients of task ${trial.task.name} share their params; ` +
        "choose fedavg, clair or another that averages",
    );
  }
  if (trial.schedule?.name === "buffered" && !plugins.aggregators.get(choice.name)?.takesStale) {
    const able = [...plugins.aggregators.values()].filter(({ takesStale }) => takesStale);
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
