export { aggregators, loadBuiltIn } from "./built-in.js";
export { watchClients, watchServer } from "./thread/watch-clients.js";
export { loadPlugins } from "./load-plugins.js";
export { loadNamedPlugins, namedModules } from "./named-plugins.js";
export { resolveModule, type PluginModule } from "./resolve-module.js";
export type { WatchedEvents } from "./thread/watched-runner.js";
