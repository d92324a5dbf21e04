import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { taskAggregatorNames, taskNames } from "@fedclair/tasks";
import { withTasks } from "./with-tasks.js";

/**
 * What a trial file can name without plug-ins from outside.
 * @param text of a trial: what it cannot mean, for it does not occur in it, may be left out. Default: all
 */
export function loadBuiltIn(text?: string): Promise<Plugins> {
  return withTasks(aggregators, text);
}

/** Of each kind the names that are taken. */
export const builtInNames: Readonly<
  Record<"task" | "aggregator" | "attack" | "mod", ReadonlySet<string>>
> = {
  task: new Set(taskNames),
  aggregator: new Set([...aggregators.keys(), ...taskAggregatorNames]),
  attack: new Set(attacks.keys()),
  mod: new Set(mods.keys()),
};
