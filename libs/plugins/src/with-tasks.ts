import { attacks } from "@fedclair/rules/attacks";
import { fedavg } from "@fedclair/rules/fedavg";
import type { AggregatorPlugin, Plugins, Registry } from "@fedclair/core";
import { mods } from "@fedclair/rules/mods";
import { loadTasks } from "./load-tasks.js";

/**
 * Combines the given aggregators with all other built-in plug-ins.
 * @param content as for `loadBuiltIn`
 * @param outside the names of tasks from outside
 */
export async function withTasks(
  aggregators: Registry<AggregatorPlugin>,
  content: unknown,
  outside?: ReadonlySet<string>,
): Promise<Plugins> {
  const loaded = await loadTasks(content, outside);
  return {
    tasks: loaded.tasks,
    aggregators: new Map([...aggregators, ...loaded.aggregators]),
    attacks,
    mods,
  };
}

/** As `loadBuiltIn`, without its aggregators. */
export function loadForHost(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return withTasks(new Map([[fedavg.name, fedavg]]), content, outside);
}
