import { UserError, type DefinedPlugin, type Plugins } from "@fedclair/core";
import type { LocatedPlugin } from "@fedclair/core/internal";
import { importPlugins } from "./import-plugins.js";
import { readCode, type ModuleCode } from "./module-code.js";
import type { PluginModule } from "./resolve-module.js";
import { checkShared } from "./shared-packages.js";

/**
 * Loads the built-in plug-ins and those that the given modules export. Runs the modules' code.
 * @param content the unchecked content of a trial, passed to `load`
 * @param load loads the built-in plug-ins; default: `loadBuiltIn`
 * @throws UserError that names the module if it throws on import, exports something else, or uses a
 * name that is taken
 */
export async function loadPlugins(
  modules: readonly PluginModule[],
  content?: unknown,
  load = async (content?: unknown) => (await import("./built-in.js")).loadBuiltIn(content),
): Promise<Plugins> {
  const builtIn = await load(content);
  if (modules.length === 0) return builtIn;
  const { builtInNames } = await import("./built-in.js");
  const outside: LocatedPlugin[] = [];
  const registries = {
    task: new Map(builtIn.tasks),
    aggregator: new Map(builtIn.aggregators),
    attack: new Map(builtIn.attacks),
    mod: new Map(builtIn.mods),
  };
  const add = (
    { kind, ...plugin }: DefinedPlugin,
    { hash, version }: ModuleCode,
    { file, place }: PluginModule,
  ) => {
    const registry = registries[kind] as Map<string, typeof plugin>;
    if (builtInNames[kind].has(plugin.name) || registry.has(plugin.name)) {
      const isOutside = outside.some((other) => other.kind === kind && other.name === plugin.name);
      const owner = isOutside ? "another plug-in's" : "built in";
      throw new UserError(
        `${place}: ${kind} '${plugin.name}': the name is ${owner}; choose another`,
      );
    }
    registry.set(plugin.name, plugin);
    outside.push({ kind, name: plugin.name, version, hash, module: file });
  };
  const files = new Map(modules.map((module) => [module.file, module]));
  for (const module of files.values()) {
    const { file, place } = module;
    const code = await readCode(file);
    checkShared(code, place);
    for (const plugin of await importPlugins(file, place)) add(plugin, code, module);
  }
  if (outside.length === 0) return builtIn;
  const { task: tasks, aggregator: aggregators, attack: attacks, mod: mods } = registries;
  return { tasks, aggregators, attacks, mods, outside };
}
