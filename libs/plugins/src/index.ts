import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { taskAggregators, tasks } from "@fedclair/tasks";

/** Everything that a trial file can name: the same for the command, the coordinator and client hosts. */
export const plugins: Plugins = {
  tasks,
  aggregators: new Map([...aggregators, ...taskAggregators]),
  attacks,
};
