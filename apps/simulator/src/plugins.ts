import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { taskAggregators, tasks } from "@fedclair/tasks";

export const plugins: Plugins = {
  tasks,
  aggregators: new Map([...aggregators, ...taskAggregators]),
  attacks,
};
