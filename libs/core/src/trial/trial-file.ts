import { z } from "zod";
import { parseChecked, type Checked } from "../words/checked-yaml.js";
import type { Plugins } from "../contracts/plugin.js";
import { UserError } from "../words/errors.js";
import { excerpt } from "../words/text.js";
import type { PluginChoice } from "../contracts/plugin-choice.js";
import {
  pluginIdentities,
  locatedPlugin,
  pluginMismatch,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "../contracts/plugin-identity.js";
import { checkPlugins } from "./trial-check.js";
import { clientTotal, trialSchema, type Trial } from "./trial.js";

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
  const ofTask = plugins.tasks.get(data.task.name)?.paths ?? [];
  const paths = [...ofTask.map((path) => `task.${path}`), "devices.trace"];
  const resolved = paths.reduce((trial, path) => {
    const keys = path.split(".");
    const by = isOverridden(keys) ? "override" : "file";
    return changedAt(trial, keys, (text) => resolvePath(text, by));
  }, data);
  return fitted(resolved, plugins, file);
}

/**
 * A resolved trial that was sent as JSON. Without YAML: its parser takes seconds for a megabyte, while a heartbeat waits.
 * @param from who sent it, for messages
 * @throws UserError as `parseTrial`
 */
export function parseSentTrial(content: unknown, from: string, plugins: Plugins): Trial {
  const { data } = trialSchema(plugins).safeParse(content);
  const held = plugins.outside ?? [];
  const isSound = data && pluginMismatch(pluginIdentities(data), held, "") === undefined;
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
  const seen = firstLook(text, overrides, schema);
  if (seen === undefined) return { modules: [], identities: [] };
  const { data, isOverridden } = seen;
  return {
    modules: data.plugins.flatMap((named, i) => {
      const by = isOverridden(["plugins", String(i)]) ? "override" : "file";
      if (typeof named === "string") return { text: named, by };
      const { kind, name, module } = named;
      return module === undefined ? [] : { text: module, by, of: `${kind} '${excerpt(name)}'` };
    }),
    identities: pluginIdentities(data),
  };
}

/** How many clients a trial has, by a first look at nothing else; undefined of a file with faults: `parseTrial` tells of them. */
export function clientCount(text: string, overrides: readonly string[] = []): number | undefined {
  return firstLook(text, overrides, z.looseObject({ clients: clientTotal }))?.data.clients;
}

function firstLook<T>(
  text: string,
  overrides: readonly string[],
  schema: z.ZodType<T>,
): Checked<T> | undefined {
  try {
    return parseChecked({ text, file: "", what: "", overrides }, schema);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return undefined;
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
