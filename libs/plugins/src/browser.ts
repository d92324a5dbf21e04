/*
 * Loads plug-ins for a browser tab: `@fedclair/plugins/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { fedavg } from "@fedclair/rules/fedavg";
import { attacks } from "@fedclair/rules/attacks";
import type { Plugins } from "@fedclair/core";
import { mods } from "@fedclair/rules/mods";
import { personal } from "@fedclair/rules/personal";
import { loadTabTask, previewTable, tabTaskNames, type ChosenData } from "@fedclair/tasks/browser";

export { withoutAggregators } from "./without-aggregators.js";
export { previewTable, tabTaskNames };
export type { ChosenData, ChosenFile, ReadData } from "@fedclair/tasks/browser";

/**
 * Loads what a tab needs to train a task.
 * @param chosen files of the user's, which take the place of the trial's data
 * @returns undefined if a browser tab cannot train it
 */
export async function loadForTab(task: string, chosen?: ChosenData): Promise<Plugins | undefined> {
  const plugin = await loadTabTask(task, chosen);
  if (!plugin) return undefined;
  return {
    tasks: new Map([[plugin.name, plugin]]),
    aggregators: new Map([[fedavg.name, fedavg]]),
    attacks,
    mods,
    personal,
  };
}
