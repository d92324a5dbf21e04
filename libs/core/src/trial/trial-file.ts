import { z } from "zod";
import { pluginOptions, type PluginChoice } from "../contracts/plugin-choice.js";
import {
  locatedPlugin,
  pluginIdentities,
  pluginMismatch,
  type LocatedPlugin,
  type PluginIdentity,
  type PluginKind,
} from "../contracts/plugin-identity.js";
import type { Plugin, Plugins, Registry } from "../contracts/plugin.js";
import { UserError } from "../words/errors.js";
import { formatSchemaFault } from "../words/schema-fault.js";
import { excerpt } from "../words/text.js";
import type { ParsedYaml } from "../words/parsed-yaml.js";
import { parseYaml } from "../words/yaml.js";
import { dataPathKeys, listTextsAt } from "./data-paths.js";
import { locatePython } from "./python-clients.js";
import { prepareResolvedTrial } from "./prepare-trial.js";
import type { PreparedTrial } from "./prepared-trial.js";
import { clientTotal, trialSchema, type Trial } from "./trial.js";
import { setWeighting } from "./weighting.js";

/** Makes a path absolute that a trial file or an override contains. */
export type ResolvePath = (path: string, by: "file" | "override") => string;

/** A trial file after parsing its YAML. The values are not checked yet. */
export interface TrialSource {
  /** The file's name, for messages. */
  readonly file: string;
  readonly yaml: ParsedYaml;
  /** Makes paths absolute. Default: paths stay unchanged. */
  readonly resolvePath?: ResolvePath;
}

/**
 * Reads the YAML of a trial file.
 * @param overrides `path=value` texts that replace or add keys, like `--set task.localSteps=5`; the
 * value is YAML
 * @throws UserError naming file, line and column
 */
export function readTrialSource(
  text: string,
  file: string,
  overrides: readonly string[] = [],
  resolvePath?: ResolvePath,
): TrialSource {
  const yaml = parseYaml({ text, file, what: "trial", overrides });
  return { file, yaml, ...(resolvePath && { resolvePath }) };
}

/**
 * Checks a trial by the schema, fills in every default, and resolves its paths.
 * @throws UserError with a line per fault: file, line, column, the offending value and the expected
 * one
 */
export function resolveTrial({ file, yaml, resolvePath }: TrialSource, plugins: Plugins): Trial {
  const { identities } = readNamedPlugins(yaml);
  const mismatch = pluginMismatch(identities, plugins.outside ?? [], "this process");
  if (mismatch !== undefined) {
    const advice = "name the module to run it with there, as ./my-task.js";
    throw new UserError(`${file}: plugins: ${mismatch}; ${advice}`);
  }
  const checked = checkNaming(plugins, yaml.content, () => yaml.check(trialSchema(plugins)));
  const { seeds = 1, weighting, ...rest } = checked;
  if (seeds !== 1) {
    throw new UserError(
      `${yaml.place(["seeds"])}: seeds: expected a single run here, got several seeds: use fedclair run, or set seeds=1`,
    );
  }
  const data = weighting === undefined ? rest : setWeighting(rest, yaml.content, weighting);
  if (!resolvePath) return withUsedPlugins(data, plugins);
  const resolved = dataPathKeys(plugins.tasks.get(data.task.name)).reduce((trial, keys) => {
    const by = yaml.isOverridden(keys) ? "override" : "file";
    return changeText(trial, keys, (text) => resolvePath(text, by));
  }, data);
  return withUsedPlugins(locatePython(resolved, { yaml, resolvePath }), plugins);
}

/**
 * Reads and resolves a trial file, with all checks of `prepareResolvedTrial`.
 * @throws UserError as `readTrialSource`, `resolveTrial` and `prepareResolvedTrial`
 */
export function parseTrial(
  text: string,
  file: string,
  plugins: Plugins,
  overrides: readonly string[] = [],
  resolvePath?: ResolvePath,
): Trial {
  const trial = resolveTrial(readTrialSource(text, file, overrides, resolvePath), plugins);
  return prepareResolvedTrial(trial, plugins, file).trial;
}

/**
 * Prepares a resolved trial that was sent as JSON. It is not parsed as YAML, which takes seconds
 * for a megabyte while a heartbeat is due.
 * @param from the sender, for messages
 * @throws UserError as `resolveTrial` and `prepareResolvedTrial`
 */
export function prepareSentTrial(content: unknown, from: string, plugins: Plugins): PreparedTrial {
  const { data } = checkNaming(plugins, content, () => trialSchema(plugins).safeParse(content));
  const outside = plugins.outside ?? [];
  const isSound = data && pluginMismatch(pluginIdentities(data), outside, "") === undefined;
  const trial = isSound
    ? withUsedPlugins(data, plugins)
    : resolveTrial(readTrialSource(JSON.stringify(content), from), plugins); // formats the faults
  return prepareResolvedTrial(trial, plugins, from);
}

/**
 * Runs a check by the trial schema, in which the code of plug-ins may run.
 * @throws UserError naming the plug-in whose schema throws instead of reporting faults
 */
function checkNaming<T>(plugins: Plugins, content: unknown, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { task, aggregator, baselines, attacks, mods, personal } = (content ??
      {}) as Partial<Trial>;
    const named: readonly (readonly [PluginKind, Registry<Plugin<unknown>>, unknown])[] = [
      ["task", plugins.tasks, [task]],
      ["aggregator", plugins.aggregators, [aggregator, ...listValues(baselines, "aggregator")]],
      ["attack", plugins.attacks, listValues(attacks, "attack")],
      ["mod", plugins.mods ?? new Map<string, never>(), mods],
      [
        "personal",
        plugins.personal ?? new Map<string, never>(),
        [personal, ...listValues(baselines, "personal")],
      ],
    ];
    for (const [kind, registry, choices] of named) {
      for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
        const { name } = (choice ?? {}) as Partial<PluginChoice>;
        const schema = typeof name === "string" ? registry.get(name)?.schema : undefined;
        try {
          schema?.safeParse(pluginOptions(choice as PluginChoice));
        } catch (fault) {
          throw new UserError(`${kind} '${name}': ${formatSchemaFault(fault)}`);
        }
      }
    }
    throw error;
  }
}

/** Lists the values of one key in a list of mappings that is not checked yet. */
function listValues(entries: unknown, key: string): unknown[] {
  if (!Array.isArray(entries)) return [];
  return entries.map((entry) => (entry as Partial<Record<string, unknown>> | null)?.[key]);
}

/** Adds the identities of the outside plug-ins that the trial uses. */
function withUsedPlugins(data: Trial, plugins: Plugins): Trial {
  if (!data.plugins) return data;
  return { ...data, plugins: listUsedPlugins(data, plugins.outside ?? []) };
}

/** A module of plug-ins that a trial file or an override names. */
export interface NamedModule {
  readonly text: string;
  readonly by: "file" | "override";
  /** Its index in `plugins`. */
  readonly index: number;
  /** The plug-in that a resolved trial uses from the module, like `attack 'mine'`. */
  readonly of?: string;
}

/**
 * Reads the key `plugins` of a trial or a sweep: the modules that must be loaded before the rest
 * can be checked, or in a resolved trial the plug-ins. Returns nothing if the key has faults, which
 * `resolveTrial` reports.
 */
export function readNamedPlugins({
  content,
  isOverridden,
}: Pick<ParsedYaml, "content" | "isOverridden">): {
  readonly modules: readonly NamedModule[];
  readonly identities: readonly LocatedPlugin[];
} {
  const schema = z.looseObject({ plugins: z.array(z.union([z.string(), locatedPlugin])) });
  const { data } = schema.safeParse(content);
  if (!data) return { modules: [], identities: [] };
  return {
    modules: data.plugins.flatMap((named, i) => {
      const by = isOverridden(["plugins", String(i)]) ? "override" : "file";
      if (typeof named === "string") return { text: named, by, index: i };
      const { kind, name, module } = named;
      return module === undefined
        ? []
        : { text: module, by, index: i, of: `${kind} '${excerpt(name)}'` };
    }),
    identities: pluginIdentities(data),
  };
}

/**
 * Returns where a trial names the data of its task, or else the task, for messages: file, line,
 * column and key.
 */
export function locateTask({ yaml }: TrialSource, { task }: Trial, plugins: Plugins): string {
  const keys = dataPathKeys(plugins.tasks.get(task.name)).filter(([first]) => first === "task");
  const named = keys.find((path) => listTextsAt({ task }, path).length > 0);
  return `${yaml.place(named ?? ["task"])}: task`;
}

/** Returns the number of clients of a trial that is not checked yet; undefined if it is invalid. */
export function clientCount({ content }: Pick<ParsedYaml, "content">): number | undefined {
  return z.looseObject({ clients: clientTotal }).safeParse(content).data?.clients;
}

/** Lists the identities of the outside plug-ins among a trial's plug-ins. */
function listUsedPlugins(
  { task, aggregator, baselines, attacks, mods = [], personal }: Trial,
  outside: readonly LocatedPlugin[],
): PluginIdentity[] {
  const used: Readonly<Record<PluginKind, readonly PluginChoice[]>> = {
    task: [task],
    aggregator: [aggregator, ...baselines.map((baseline) => baseline.aggregator)],
    attack: attacks.map(({ attack }) => attack),
    mod: mods,
    personal: [personal, ...baselines.map((baseline) => baseline.personal)].filter(
      (choice) => choice !== undefined,
    ),
  };
  return outside
    .filter(({ kind, name }) => used[kind].some((choice) => choice.name === name))
    .map(({ kind, name, version, hash }) => ({ kind, name, version, hash }));
}

/** Returns a copy in which the text at a path is changed, if there is one. */
function changeText<T>(
  value: T,
  [key, ...rest]: readonly string[],
  change: (text: string) => string,
): T {
  if (key === undefined) return (typeof value === "string" ? change(value) : value) as T;
  if (typeof value !== "object" || value === null || !(key in value)) return value;
  return { ...value, [key]: changeText(value[key as keyof T], rest, change) };
}
