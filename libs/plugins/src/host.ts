/*
 * Loads plug-ins for client hosts and for code that starts them: `@fedclair/plugins/host`. It is a
 * separate entry point so that the built-in aggregators need not be loaded: a host runs none, and
 * `fedavg` stands in for the trial's.
 */
import { fedavg } from "@fedclair/rules/fedavg";
import type { Plugins } from "@fedclair/core";
import { withTasks } from "./with-tasks.js";

export { loadPlugins } from "./load-plugins.js";
export { namedModules } from "./named-plugins.js";
export { resolveModule } from "./resolve-module.js";
export { selectRunnerOptions, identifyPlugins, watchClients } from "./threads/watch-trial.js";
export { WatchedRunner } from "./threads/watched-runner.js";
export { listClientPlugins, withoutAggregators } from "./without-aggregators.js";

/** As `loadBuiltIn`, without its aggregators. */
export function loadForHost(content?: unknown, outside?: ReadonlySet<string>): Promise<Plugins> {
  return withTasks(new Map([[fedavg.name, fedavg]]), content, outside);
}
