import { aggregators } from "@fedclair/aggregators";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { tasks } from "@fedclair/tasks";

export const plugins: Plugins = { tasks, aggregators, attacks };
