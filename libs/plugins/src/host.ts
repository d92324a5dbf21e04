/*
 * Loads plug-ins for client hosts and for code that starts them: `@fedclair/plugins/host`. It is a
 * separate entry point so that the built-in aggregators need not be loaded: a host runs none, and
 * `fedavg` stands in for the trial's.
 */
export { loadPlugins } from "./load-plugins.js";
export { namedModules } from "./named-plugins.js";
export { resolveModules } from "./resolve-module.js";
export { selectRunnerOptions, identifyPlugins, watchClients } from "./threads/watch-trial.js";
export { WatchedRunner } from "./threads/watched-runner.js";
export { loadForHost } from "./load-tasks.js";
export { listClientPlugins } from "./without-aggregators.js";
