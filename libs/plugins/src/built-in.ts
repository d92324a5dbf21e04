import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { taskAggregators, tasks } from "@fedclair/tasks";

/** Everything that a trial file can name without plug-ins from outside. */
export const builtIn: Plugins = {
  tasks,
  aggregators: new Map([...aggregators, ...taskAggregators]),
  attacks,
  mods,
};
