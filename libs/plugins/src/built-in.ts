import { clairAggregator } from "@fedclair/clair";
import { aggregators as rules } from "@fedclair/rules";
import { attacks } from "@fedclair/rules/attacks";
import type { AggregatorPlugin, Plugins, Registry } from "@fedclair/core";
import { mods } from "@fedclair/rules/mods";
import { personal } from "@fedclair/rules/personal";
import { loadTasks } from "./load-tasks.js";
import { taskAggregatorNames, taskNames } from "./task-packages.js";

/** Every aggregator that a trial file can name without naming a task. */
export const builtInAggregators: Registry<AggregatorPlugin> = new Map([
  [clairAggregator.name, clairAggregator],
  ...rules,
]);

/**
 * Loads the plug-ins that a trial file can name without plug-ins from outside.
 * @param content the unchecked content of a trial. Only the tasks that it needs are loaded; all
 *   tasks if it is absent.
 * @param outside the names of tasks from outside
 */
export function loadBuiltIn(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return loadTasks(content, outside, builtInAggregators);
}

/** Names of the built-in plug-ins, by kind. */
export const builtInNames: Readonly<
  Record<"task" | "aggregator" | "attack" | "mod" | "personal", ReadonlySet<string>>
> = {
  task: new Set(taskNames),
  aggregator: new Set([...builtInAggregators.keys(), ...taskAggregatorNames]),
  attack: new Set(attacks.keys()),
  mod: new Set(mods.keys()),
  personal: new Set(personal.keys()),
};
