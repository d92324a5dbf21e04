import { attacks } from "@fedclair/attacks";
import type { AggregatorPlugin, Plugins, Registry } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { loadTasks } from "@fedclair/tasks";

/** These aggregators and all else that is built in. @param text as for `loadBuiltIn` */
export async function withTasks(
  aggregators: Registry<AggregatorPlugin>,
  text: string | undefined,
): Promise<Plugins> {
  const loaded = await loadTasks(text);
  return {
    tasks: loaded.tasks,
    aggregators: new Map([...aggregators, ...loaded.aggregators]),
    attacks,
    mods,
  };
}
