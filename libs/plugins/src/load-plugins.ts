import { UserError, type DefinedPlugin, type Plugins } from "@fedclair/core";
import type { LocatedPlugin } from "@fedclair/core/internal";
import { checkPlugins, importPlugins } from "./import-plugins.js";
import { builtInNames, loadBuiltIn } from "./built-in.js";
import { readCode, type ModuleCode } from "./module-code.js";
import type { PluginModule } from "./resolve-module.js";
import { checkShared } from "./shared-packages.js";
import { watchImport } from "./threads/main-thread-limit.js";

type LoadBuiltIn = (content?: unknown, outside?: ReadonlySet<string>) => Promise<Plugins>;

/**
 * Loads the built-in plug-ins and those that the given modules export. Runs the modules' code.
 * @param content the unchecked content of a trial, passed to `load`
 * @param load loads the built-in plug-ins; default: `loadBuiltIn`
 * @param own plug-ins of the calling program, which run like built-in ones
 * @throws UserError that names the module if it throws on import, exports something else, or uses a
 * name that is taken
 */
export async function loadPlugins(
  modules: readonly PluginModule[],
  content?: unknown,
  load: LoadBuiltIn = loadBuiltIn,
  own: readonly DefinedPlugin[] = [],
): Promise<Plugins> {
  const found: Found[] = [
    ...(await importModules(modules)),
    ...checkPlugins(own, "the program").map((plugin) => ({ plugin })),
  ];
  const builtIn = await load(content, new Set(found.map(({ plugin }) => plugin.name)));
  if (found.length === 0) return builtIn;
  const outside: LocatedPlugin[] = [];
  const registries = {
    task: new Map(builtIn.tasks),
    aggregator: new Map(builtIn.aggregators),
    attack: new Map(builtIn.attacks),
    mod: new Map(builtIn.mods),
    personal: new Map(builtIn.personal),
  };
  for (const { plugin: defined, module } of found) {
    const { kind, ...plugin } = defined;
    const registry = registries[kind] as Map<string, typeof plugin>;
    if (builtInNames[kind].has(plugin.name) || registry.has(plugin.name)) {
      const owner = builtInNames[kind].has(plugin.name) ? "built in" : "another plug-in's";
      throw new UserError(
        `${module?.place ?? "the program"}: ${kind} '${plugin.name}': the name is ${owner}; choose another`,
      );
    }
    registry.set(plugin.name, plugin);
    if (!module) continue;
    const { version, hash } = module.code;
    outside.push({ kind, name: plugin.name, version, hash, module: module.file });
  }
  const { task, aggregator: aggregators, attack: attacks, mod: mods, personal } = registries;
  return { tasks: task, aggregators, attacks, mods, personal, outside };
}

interface Found {
  readonly plugin: DefinedPlugin;
  /** The module that exports it; absent for a plug-in of the calling program. */
  readonly module?: PluginModule & { readonly code: ModuleCode };
}

/** Imports modules, each file once. */
async function importModules(modules: readonly PluginModule[]): Promise<Found[]> {
  const found: Found[] = [];
  const files = new Map(modules.map((module) => [module.file, module]));
  for (const module of files.values()) {
    const code = await readCode(module.file);
    checkShared(code, module.place);
    const plugins = await watchImport(module, () => importPlugins(module.file, module.place));
    for (const plugin of plugins) found.push({ plugin, module: { ...module, code } });
  }
  return found;
}
