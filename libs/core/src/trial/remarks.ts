import { cohortSize } from "./cohort.js";
import type { Plugins } from "../contracts/plugin.js";
import { createPlugin, type Trial } from "./trial.js";

/** What may surprise a user about a trial, a sentence each: told when it begins. */
export function trialNotices(trial: Trial, plugins: Plugins): string[] {
  const { clients, task, aggregator } = trial;
  const remarks = [
    createPlugin(plugins.tasks, task).notice?.(clients),
    createPlugin(plugins.aggregators, aggregator).notice?.(clients, cohortSize(trial)),
  ];
  return remarks.filter((remark) => remark !== undefined);
}
