import type { Attack } from "../contracts/attack.js";
import { clientIds } from "../contracts/clients.js";
import { pluginOptions } from "../contracts/plugin-choice.js";
import type { Plugins } from "../contracts/plugin.js";
import { UserError } from "../words/errors.js";
import { didYouMean } from "../words/did-you-mean.js";
import { excerpt } from "../words/text.js";
import { cohortSize } from "./cohort.js";
import { checkContamination } from "./data-contamination.js";
import type { PreparedArm, PreparedTrial } from "./prepared-trial.js";
import type { Trial } from "./trial.js";

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
  const { trial, taskPlugin, unknown } = prepared;
  checkExternal(prepared, file);
  checkSchedule(prepared, file);
  checkTarget(prepared, file);
  for (const i of trial.attacks.keys()) checkAttack(prepared, i, file);
  checkMods(prepared, file);
  checkHoldBack(prepared, file);
  try {
    taskPlugin.checkClients?.(trial.clients, pluginOptions(trial.task) as never);
  } catch (error) {
    throw new UserError(`${taskPlace}: ${formatMessage(error)}`);
  }
  for (const [i, arm] of prepared.arms.entries()) {
    const path = i === 0 ? "aggregator" : `baselines.${i - 1}`;
    if (arm.benignOnly && unknown.size > 0) {
      throw new UserError(
        `${file}: ${path}.clients: an oracle leaves the contaminated clients out, and nobody knows them here; ` +
          "declare them in attacks, say truth: known, or leave it out",
      );
    }
    const place = `${file}: ${i === 0 ? path : `${path}.aggregator`}: ${arm.choice.name}`;
    checkAggregator(place, arm, prepared, plugins);
    const optimizer = i === 0 ? "serverOptimizer" : `baselines.${i - 1}.serverOptimizer`;
    checkServerOptimizer(`${file}: ${optimizer}`, arm, prepared);
    if (arm.scaffold) checkScaffold(file, i === 0 ? "" : `baselines.${i - 1}.`, arm, prepared);
  }
}

/** Checks that an arm's server optimiser has a change of shared params to act on. */
function checkServerOptimizer(
  place: string,
  { choice, aggregator, serverOptimizer }: PreparedArm,
  { trial, taskPlugin }: Checked,
): void {
  if (!serverOptimizer) return;
  if (aggregator.changesPersonal) {
    throw new UserError(
      `${place}: ${serverOptimizer.name} acts on shared params, and aggregator ${choice.name} changes personal ones with these options; ` +
        "leave it out, or choose an aggregator of one global change",
    );
  }
  const addsChanges = taskPlugin.acceptsStale?.(pluginOptions(trial.task) as never) ?? false;
  if (!addsChanges && !taskPlugin.isExternal) {
    throw new UserError(
      `${place}: ${serverOptimizer.name} acts on changes of the params, and task ${taskPlugin.name} computes its params by itself; leave it out`,
    );
  }
}

/** Checks that the clients of an arm can correct their steps by control variates. */
function checkScaffold(
  file: string,
  path: string,
  { choice, aggregator }: PreparedArm,
  { trial, taskPlugin, external }: Checked,
): void {
  const place = `${file}: ${path}scaffold`;
  if (external.size > 0) {
    throw new UserError(
      `${place}: external clients cannot correct their steps; simulate all clients, or leave it out`,
    );
  }
  if (!taskPlugin.acceptsControl?.(pluginOptions(trial.task) as never)) {
    throw new UserError(
      `${place}: clients of task ${taskPlugin.name} cannot correct their steps with these options; use digits with model logistic or mlp, or leave it out`,
    );
  }
  if (aggregator.changesPersonal) {
    throw new UserError(
      `${place}: control variates are for shared params, and aggregator ${choice.name} changes personal ones with these options; choose fedavg or another of one global change`,
    );
  }
  if (trial.schedule?.name === "buffered") {
    throw new UserError(
      `${place}: schedule buffered mixes rounds, and control variates belong to one; choose synchronous or semi-synchronous`,
    );
  }
}

/** Rejects external clients that are all there are, and Python code without external clients. */
function checkExternal({ trial, taskPlugin, external }: Checked, file: string): void {
  if (external.size === 0 && (trial.python ?? trial.flower) !== undefined) {
    const key = trial.python === undefined ? "flower" : "python";
    throw new UserError(
      `${file}: ${key}: all clients are simulated, by task ${taskPlugin.name}; choose task external, list clients in external, or leave it out`,
    );
  }
  if (!trial.external || !taskPlugin.isExternal) return;
  throw new UserError(
    `${file}: external: all clients of task ${taskPlugin.name} are external; leave it out`,
  );
}

/** Checks that the task accepts stale updates if the schedule is buffered. */
function checkSchedule({ trial, taskPlugin }: Checked, file: string): void {
  const acceptsStale = taskPlugin.acceptsStale?.(pluginOptions(trial.task) as never) ?? false;
  if (trial.schedule?.name === "buffered" && !acceptsStale) {
    throw new UserError(
      `${file}: schedule: buffered mixes changes of different rounds, and task ${taskPlugin.name} makes its params of whole rounds; ` +
        "choose synchronous or semi-synchronous",
    );
  }
}

function checkTarget({ trial, measures }: Checked, file: string): void {
  const { target, task } = trial;
  const { metrics } = measures;
  if (!target || !metrics || Object.hasOwn(metrics, target.metric)) return;
  const names = Object.keys(metrics);
  throw new UserError(
    `${file}: target.metric: task ${task.name} does not measure '${excerpt(target.metric)}'` +
      `${didYouMean(target.metric, names)}; expected one of ${names.join(", ")}`,
  );
}

/** Checks that the task supports an attack. @param i the index of the attack's entry */
function checkAttack(prepared: Checked, i: number, file: string): void {
  const { trial, taskPlugin, attacks, contaminations, external } = prepared;
  const [entry, attack] = [trial.attacks[i], attacks[i]];
  if (!entry || !attack) return;
  const place = `${file}: attacks.${i}: ${entry.attack.name}`;
  if (!attack.labelOnly && !acts.some((member) => attack[member] !== undefined)) {
    throw new UserError(`${place} does nothing: expected one of ${acts.join(", ")}`);
  }
  checkDeclared(place, entry, attack, prepared);
  // Hosts of external clients declare what they can do to their data when they join.
  if (entry.clients?.every((id) => external.has(id)) ?? external.size === trial.clients) return;
  if (attack.corruptLabels && !taskPlugin.hasLabels) {
    const advice = "choose an attack on updates";
    throw new UserError(
      `${place} contaminates labels, and task ${taskPlugin.name} has none; ${advice}`,
    );
  }
  try {
    if (attack.data) checkContamination(attack.data, contaminations);
  } catch (error) {
    throw new UserError(`${place}, kind ${attack.data?.kind ?? ""}: ${formatMessage(error)}`);
  }
}

/** Checks that a format is the last of the mods. */
function checkMods({ mods }: Checked, file: string): void {
  for (const [i, { name, mod }] of mods.entries()) {
    if (mod.isFormat && i < mods.length - 1) {
      throw new UserError(
        `${file}: mods.${i}: ${name} says how an update is written, and ${mods[i + 1]?.name ?? ""} would change it again; name ${name} last`,
      );
    }
  }
}

/** Checks that the task can hold back data, and that no mod hides what the losses would show. */
function checkHoldBack({ trial, taskPlugin, mods }: Checked, file: string): void {
  if (!trial.holdBack) return;
  if (!taskPlugin.holdsBack) {
    throw new UserError(
      `${file}: holdBack: clients of task ${taskPlugin.name} hold back no data; leave it out`,
    );
  }
  const rule = mods.find(({ mod }) => mod.client && !mod.isFormat);
  if (rule) {
    throw new UserError(
      `${file}: holdBack: clients would send losses on their data, which mod ${rule.name} does not act on; leave one of the two out`,
    );
  }
}

/** Checks that an attack that only declares clients as contaminated names external ones. */
function checkDeclared(
  place: string,
  { clients }: Trial["attacks"][number],
  attack: Attack,
  { trial, external }: Checked,
): void {
  if (!attack.labelOnly) return;
  if (!clients) {
    throw new UserError(
      `${place} says which clients are contaminated: name them, as clients: [c03, c07]`,
    );
  }
  const simulated = clients.find((id) => !external.has(id));
  if (simulated !== undefined) {
    throw new UserError(
      `${place} does nothing by itself, and task ${trial.task.name} simulates client ${simulated}; choose an attack that acts, or name ` +
        "the client in external",
    );
  }
}

/** Checks that an arm's aggregator fits the task. @param place the arm's place in the file */
function checkAggregator(
  place: string,
  { choice, aggregator }: PreparedArm,
  { trial, taskPlugin }: Checked,
  plugins: Plugins,
): void {
  const owners = [...plugins.tasks.values()].filter(({ aggregators }) =>
    aggregators?.some(({ name }) => name === choice.name),
  );
  if (owners.length > 0 && !owners.some(({ name }) => name === taskPlugin.name)) {
    const names = owners.map(({ name }) => name).join(", ");
    throw new UserError(
      `${place} is for updates of task ${names}, not of ${taskPlugin.name}; choose another aggregator`,
    );
  }
  const plugin = plugins.aggregators.get(choice.name);
  const sharesParams = taskPlugin.sharesParams?.(pluginOptions(trial.task) as never);
  if (sharesParams && plugin?.personalOnly) {
    throw new UserError(
      `${place} leaves every client its own change, and the clients of task ${taskPlugin.name} share their params; ` +
        "choose fedavg, clair or another that averages",
    );
  }
  if (trial.schedule?.name === "buffered" && !plugin?.acceptsStale) {
    const able = [...plugins.aggregators.values()].filter((other) => other.acceptsStale);
    const others = able.length > 0 ? `one of ${able.map(({ name }) => name).join(", ")}, or ` : "";
    throw new UserError(
      `${place} takes changes that began at the same params, and schedule buffered mixes rounds; ` +
        `choose ${others}another schedule`,
    );
  }
  try {
    aggregator.checkClients?.(clientIds(trial.clients), cohortSize(trial));
  } catch (error) {
    throw new UserError(`${place}: ${formatMessage(error)}`);
  }
}

function formatMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
