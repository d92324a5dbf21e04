import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { taskAggregatorNames, taskNames } from "@fedclair/tasks";
import { withTasks } from "./with-tasks.js";

/**
 * Loads the plug-ins that a trial file can name without plug-ins from outside.
 * @param content the unchecked content of a trial. Only the tasks that it needs are loaded; all
 *   tasks if it is absent.
 * @param outside the names of tasks from outside
 */
export function loadBuiltIn(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return withTasks(aggregators, content, outside);
}

/** Names of the built-in plug-ins, by kind. */
export const builtInNames: Readonly<
  Record<"task" | "aggregator" | "attack" | "mod", ReadonlySet<string>>
> = {
  task: new Set(taskNames),
  aggregator: new Set([...aggregators.keys(), ...taskAggregatorNames]),
  attack: new Set(attacks.keys()),
  mod: new Set(mods.keys()),
};
