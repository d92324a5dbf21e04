import {
  loadRegistry,
  type AggregatorPlugin,
  type Loaders,
  type Plugins,
  type Registry,
} from "@fedclair/core";
import { aggregatorLoaders } from "@fedclair/rules/aggregator-loaders";
import { attackLoaders, modLoaders, personalLoaders } from "@fedclair/rules/client-loaders";
import { namesIn, textsIn } from "./names.js";
import { taskAggregatorNames, taskNames, taskPackages } from "./task-packages.js";

/** Every aggregator that a trial file can name without naming a task. */
const ruleLoaders: Loaders<AggregatorPlugin> = {
  clair: async () => (await import("@fedclair/clair")).clairAggregator,
  ...aggregatorLoaders,
};

/** Names of the built-in plug-ins, by kind, loaded or not. */
export const builtInNames: Readonly<
  Record<"task" | "aggregator" | "attack" | "mod" | "personal", ReadonlySet<string>>
> = {
  task: new Set(taskNames),
  aggregator: new Set([...Object.keys(ruleLoaders), ...taskAggregatorNames]),
  attack: new Set(Object.keys(attackLoaders)),
  mod: new Set(Object.keys(modLoaders)),
  personal: new Set(Object.keys(personalLoaders)),
};

/**
 * Loads the plug-ins that a trial file can name without plug-ins from outside.
 * @param content the unchecked content of a trial or a sweep. Only the plug-ins whose names occur
 *   in it are loaded, and for the name of a task's aggregator, the task. All are loaded if the
 *   content is absent, or names one that is unknown, so that the error can list them.
 * @param outside the names of plug-ins that are known and need not be loaded
 * @param rules the aggregators that no task defines
 */
export async function loadBuiltIn(
  content?: unknown,
  outside: ReadonlySet<string> = new Set(),
  rules: Loaders<AggregatorPlugin> = ruleLoaders,
): Promise<Plugins> {
  const texts = textsIn(content);
  const needsAll = !isKnown(content, outside);
  const isNeeded = (name: string) => needsAll || texts.has(name);
  const packages = taskPackages.filter((one) => [...one.tasks, ...one.aggregators].some(isNeeded));
  const tasks = (await Promise.all(packages.map(({ load }) => load()))).flat();
  const ofTasks = tasks.flatMap((plugin) => plugin.aggregators ?? []);
  const [others, attacks, mods, personal] = await Promise.all([
    loadRegistry(rules, isNeeded),
    loadRegistry(attackLoaders, isNeeded),
    loadRegistry(modLoaders, isNeeded),
    loadRegistry(personalLoaders, isNeeded),
  ]);
  return {
    tasks: new Map(tasks.map((plugin) => [plugin.name, plugin])),
    aggregators: new Map([...others, ...ofTasks.map((rule) => [rule.name, rule] as const)]),
    attacks,
    mods,
    personal,
  };
}

/** Loads an aggregator that no task defines; all of them if the name is unknown, for the error. */
export function loadRules(name: string): Promise<Registry<AggregatorPlugin>> {
  const isKnown = Object.hasOwn(ruleLoaders, name);
  return loadRegistry(ruleLoaders, (one) => !isKnown || one === name);
}

/** As `loadBuiltIn`; of the aggregators that no task defines, only FedAvg can be loaded. */
export function loadForHost(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return loadBuiltIn(content, outside, { fedavg: aggregatorLoaders.fedavg });
}

/** Does a trial or a sweep name a task, and no plug-in that is unknown? */
function isKnown(content: unknown, outside: ReadonlySet<string>): boolean {
  const { task, aggregator, baselines, attacks, mods, personal } = (content ?? {}) as Readonly<
    Partial<Record<string, unknown>>
  >;
  const tasks = namesIn(task);
  const others = namesIn([aggregator, baselines, attacks, mods, personal]);
  const { task: builtInTasks, ...builtIn } = builtInNames;
  const isIn = (names: Iterable<ReadonlySet<string>>) => (name: string) =>
    outside.has(name) || [...names].some((one) => one.has(name));
  return (
    tasks.length > 0 &&
    tasks.every(isIn([builtInTasks])) &&
    others.every(isIn(Object.values(builtIn)))
  );
}
