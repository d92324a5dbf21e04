import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { taskAggregatorNames, taskNames } from "@fedclair/tasks";
import { withTasks } from "./with-tasks.js";

/**
 * Loads the plug-ins that a trial file can name without external modules.
 * @param text of a trial; plug-ins whose names do not occur in it may be left out. Default: load
 * all
 */
export function loadBuiltIn(text?: string): Promise<Plugins> {
  return withTasks(aggregators, text);
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
