/*
 * Loads plug-ins for a browser tab: `@fedclair/plugins/browser`. Nothing that it imports needs
 * Node.js, if the bundler follows the condition `browser` of package.json.
 */
import { loadRegistry, type Plugins } from "@fedclair/core";
import { attackLoaders, modLoaders, personalLoaders } from "@fedclair/rules/client-loaders";
import { fedavg } from "@fedclair/rules/fedavg";
import { loadTabTask, previewTable, tabTaskNames, type ChosenData } from "@fedclair/tasks/browser";
import { textsIn } from "./names.js";

export { withoutAggregators } from "./without-aggregators.js";
export { textsIn };
export { previewTable, tabTaskNames };
export type { ChosenData, ChosenFile, ReadData } from "@fedclair/tasks/browser";

/**
 * Loads what a tab needs to train a task.
 * @param content the trial, which may be unchecked; what it does not name is not loaded
 * @param chosen files of the user's, which take the place of the trial's data
 * @returns undefined if a browser tab cannot train it
 */
export async function loadForTab(
  task: string,
  content: unknown,
  chosen?: ChosenData,
): Promise<Plugins | undefined> {
  const plugin = await loadTabTask(task, chosen);
  if (!plugin) return undefined;
  const texts = textsIn(content);
  const isNeeded = (name: string) => texts.has(name);
  return {
    tasks: new Map([[plugin.name, plugin]]),
    aggregators: new Map([[fedavg.name, fedavg]]),
    attacks: await loadRegistry(attackLoaders, isNeeded),
    mods: await loadRegistry(modLoaders, isNeeded),
    personal: await loadRegistry(personalLoaders, isNeeded),
  };
}
