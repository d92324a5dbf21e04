import { z } from "zod";
import { clientIds } from "./clients.js";
import { parseChecked } from "./checked-yaml.js";
import type { Attack, Plugins, Task } from "./contracts.js";
import { checkContamination, contaminationsOf } from "./data-contamination.js";
import { UserError } from "./errors.js";
import { modsOf } from "./mods.js";
import { excerpt } from "./text.js";
import type { PluginChoice } from "./plugin-choice.js";
import {
  identitiesOf,
  locatedPlugin,
  pluginMismatch,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "./plugin-identity.js";
import { createPlugin, trialSchema, type Trial } from "./trial.js";
import { isTruthUnknown } from "./truth.js";

/** Makes a path absolute that stands in a trial file, or in an override. */
export type ResolvePath = (path: string, by: "file" | "override") => string;

/**
 * Reads a trial file.
 * @param file its name, for messages
 * @param overrides `path=value` texts that replace or add keys, as `--set task.localSteps=5`; the value is YAML
 * @param resolvePath applied to the options that the task says are paths; default: they stay as they are
 * @throws UserError naming file, line, column, the offending value and what was expected, a line for every fault
 */
export function parseTrial(
  text: string,
  file: string,
  plugins: Plugins,
  overrides: readonly string[] = [],
  resolvePath: ResolvePath = (path) => path,
): Trial {
  const source = { text, file, what: "trial", overrides };
  const { identities } = namedPlugins(text, overrides);
  const mismatch = pluginMismatch(identities, plugins.outside ?? [], "this process");
  if (mismatch !== undefined) {
    const advice = "name the module to run it with there, as ./my-task.js";
    throw new UserError(`${file}: plugins: ${mismatch}; ${advice}`);
  }
  const { data, isOverridden } = parseChecked(source, trialSchema(plugins));
  const paths = plugins.tasks.get(data.task.name)?.paths ?? [];
  const task = paths.reduce((choice, path) => {
    const by = isOverridden(["task", ...path.split(".")]) ? "override" : "file";
    return changedAt(choice, path.split("."), (text) => resolvePath(text, by));
  }, data.task);
  return fitted({ ...data, task }, plugins, file);
}

/**
 * A resolved trial that was sent as JSON. Without YAML: its parser takes seconds for a megabyte, while a heartbeat waits.
 * @param from who sent it, for messages
 * @throws UserError as `parseTrial`
 */
export function parseSentTrial(content: unknown, from: string, plugins: Plugins): Trial {
  const { data } = trialSchema(plugins).safeParse(content);
  const held = plugins.outside ?? [];
  const isSound = data && pluginMismatch(identitiesOf(data), held, "") === undefined;
  return isSound ? fitted(data, plugins, from) : parseTrial(JSON.stringify(content), from, plugins); // which has words for it
}

/** Names the plug-ins that it uses. @throws UserError if they do not go together */
function fitted(data: Trial, plugins: Plugins, file: string): Trial {
  const used = data.plugins && { plugins: usedPlugins(data, plugins.outside ?? []) };
  const trial = { ...data, ...used };
  checkPlugins(trial, plugins, file);
  return trial;
}

/** A module of plug-ins, as a trial file or an override names it. */
export interface NamedModule {
  readonly text: string;
  readonly by: "file" | "override";
  /** The plug-in that a resolved trial had from it, as `attack 'mine'`. */
  readonly of?: string;
}

/**
 * What a trial or a sweep names in `plugins`, by a first look at nothing else: its modules, which must be loaded before the
 * rest can be read, or in a resolved trial its plug-ins. Nothing of a file with faults: `parseTrial` tells of them.
 */
export function namedPlugins(
  text: string,
  overrides: readonly string[] = [],
): { readonly modules: readonly NamedModule[]; readonly identities: readonly PluginIdentity[] } {
  const schema = z.looseObject({ plugins: z.array(z.union([z.string(), locatedPlugin])) });
  try {
    const source = { text, file: "", what: "", overrides };
    const { data, isOverridden } = parseChecked(source, schema);
    return {
      modules: data.plugins.flatMap((named, i) => {
        const by = isOverridden(["plugins", String(i)]) ? "override" : "file";
        if (typeof named === "string") return { text: named, by };
        const { kind, name, module } = named;
        return module === undefined ? [] : { text: module, by, of: `${kind} '${excerpt(name)}'` };
      }),
      identities: identitiesOf(data),
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { modules: [], identities: [] };
  }
}

/** Those plug-ins from outside that a trial's task, aggregators, attacks and mods are. */
function usedPlugins(
  { task, aggregator, baselines, attacks, mods = [] }: Trial,
  outside: readonly LocatedPlugin[],
): PluginIdentity[] {
  const used: Readonly<Record<PluginKind, readonly PluginChoice[]>> = {
    task: [task],
    aggregator: [aggregator, ...baselines.map((baseline) => baseline.aggregator)],
    attack: attacks.map(({ attack }) => attack),
    mod: mods,
  };
  return outside
    .filter(({ kind, name }) => used[kind].some((choice) => choice.name === name))
    .map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
}

/** A copy in which the text at a path is changed, if there is one. */
function changedAt<T>(
  value: T,
  [key, ...rest]: readonly string[],
  to: (text: string) => string,
): T {
  if (key === undefined) return (typeof value === "string" ? to(value) : value) as T;
  if (typeof value !== "object" || value === null || !(key in value)) return value;
  return { ...value, [key]: changedAt(value[key as keyof T], rest, to) };
}

/** What a schema cannot tell: does this task bear these attacks and this many clients? */
function checkPlugins(trial: Trial, plugins: Plugins, file: string): void {
  const task = createPlugin(plugins.tasks, trial.task);
  const known = contaminationsOf(plugins.tasks, trial.task);
  for (const [i, entry] of trial.attacks.entries()) {
    const place = `${file}: attacks.${i}: ${entry.attack.name}`;
    const attack = createPlugin(plugins.attacks, entry.attack);
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
  try {
    createPlugin(plugins.aggregators, choice).checkClients?.(clientIds(trial.clients));
  } catch (error) {
    throw new UserError(`${place}: ${messageOf(error)}`);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
