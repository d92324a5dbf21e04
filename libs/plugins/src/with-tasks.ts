import { attacks } from "@fedclair/attacks";
import type { AggregatorPlugin, Plugins, Registry } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { loadTasks } from "@fedclair/tasks";

/**
 * Combines the given aggregators with all other built-in plug-ins.
 * @param content as for `loadBuiltIn`
 */
export async function withTasks(
  aggregators: Registry<AggregatorPlugin>,
  content: unknown,
): Promise<Plugins> {
  const loaded = await loadTasks(content);
  return {
    tasks: loaded.tasks,
    aggregators: new Map([...aggregators, ...loaded.aggregators]),
    attacks,
    mods,
  };
}
