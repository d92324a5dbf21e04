/*
 * Loads plug-ins for a browser tab: `@fedclair/plugins/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { fedavg } from "@fedclair/aggregators/fedavg";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import { loadTabTask, tabTaskNames } from "@fedclair/tasks/browser";

export { withoutAggregators } from "./without-aggregators.js";
export { tabTaskNames };

/**
 * Loads what a tab needs to train a task.
 * @returns undefined if a browser tab cannot train it
 */
export async function loadForTab(task: string): Promise<Plugins | undefined> {
  const plugin = await loadTabTask(task);
  if (!plugin) return undefined;
  return {
    tasks: new Map([[plugin.name, plugin]]),
    aggregators: new Map([[fedavg.name, fedavg]]),
    attacks,
    mods,
  };
}
