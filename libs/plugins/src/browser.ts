/*
 * Loads plug-ins for a browser tab: `@fedclair/plugins/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { fedavg } from "@fedclair/aggregators/fedavg";
import { attacks } from "@fedclair/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/mods";
import {
  loadTabTask,
  readChosenTable,
  tabTaskNames,
  type ChosenTable,
} from "@fedclair/tasks/browser";

export { withoutAggregators } from "./without-aggregators.js";
export { readChosenTable, tabTaskNames };

/**
 * Loads what a tab needs to train a task.
 * @param table a table of the user's, which takes the place of the trial's data
 * @returns undefined if a browser tab cannot train it
 * @throws UserError if the task does not accept a table
 */
export async function loadForTab(task: string, table?: ChosenTable): Promise<Plugins | undefined> {
  const plugin = await loadTabTask(task, table);
  if (!plugin) return undefined;
  return {
    tasks: new Map([[plugin.name, plugin]]),
    aggregators: new Map([[fedavg.name, fedavg]]),
    attacks,
    mods,
  };
}
