export { loadBuiltIn } from "./built-in.js";
export { loadPlugins } from "./load-plugins.js";
export { namedModules, pluginsFor } from "./plugins-for.js";
export { resolveModule, type PluginModule } from "./resolve-module.js";
