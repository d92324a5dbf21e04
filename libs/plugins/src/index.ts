export { builtInAggregators, loadBuiltIn } from "./built-in.js";
export { watchClients, watchServer } from "./threads/watch-trial.js";
export { loadPlugins } from "./load-plugins.js";
export { readCode } from "./module-code.js";
export { hashModules, loadNamedPlugins, matchModules, namedModules } from "./named-plugins.js";
export { resolveModules, type PluginModule } from "./resolve-module.js";
export type { WatchedEvents } from "./threads/watched-runner.js";
