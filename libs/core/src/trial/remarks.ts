import { cohortSize } from "./cohort.js";
import type { Plugins } from "../contracts/plugin.js";
import { createPlugin, type Trial } from "./trial.js";

/** What may surprise a user about a trial, a sentence each: told when it begins. */
export function remarksOn(trial: Trial, plugins: Plugins): string[] {
  const { clients, task, aggregator } = trial;
  const remarks = [
    createPlugin(plugins.tasks, task).remark?.(clients),
    createPlugin(plugins.aggregators, aggregator).remark?.(clients, cohortSize(trial)),
  ];
  return remarks.filter((remark) => remark !== undefined);
}
