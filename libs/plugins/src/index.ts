export { loadBuiltIn, loadForHost, loadRules } from "./built-in.js";
export {
  identifyPlugins,
  selectRunnerOptions,
  watchClients,
  watchServer,
} from "./threads/watch-trial.js";
export { loadPlugins } from "./load-plugins.js";
export { readCode } from "./module-code.js";
export { hashModules, loadNamedPlugins, matchModules, namedModules } from "./named-plugins.js";
export { resolveModules, type PluginModule } from "./resolve-module.js";
export { WatchedRunner, type WatchedEvents } from "./threads/watched-runner.js";
export { listClientPlugins } from "./without-aggregators.js";
