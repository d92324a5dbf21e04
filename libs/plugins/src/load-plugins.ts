import { fileURLToPath, pathToFileURL } from "node:url";
import {
  checkedPlugin,
  messageOf,
  UserError,
  type AggregatorPlugin,
  type DefinedPlugin,
  type PluginIdentity,
  type Plugins,
} from "@fedclair/core";
import { resolve } from "import-meta-resolve";
import { builtIn } from "./built-in.js";
import { readCode, type ModuleCode } from "./module-code.js";
import type { PluginModule } from "./resolve-module.js";

/**
 * The plug-ins that are built in, with those that these modules export. Runs the modules' code.
 * @throws UserError naming the module: it throws on import, exports something else, or a name is taken
 */
export async function loadPlugins(modules: readonly PluginModule[]): Promise<Plugins> {
  const outside: PluginIdentity[] = [];
  const registries = {
    task: new Map(builtIn.tasks),
    aggregator: new Map(builtIn.aggregators),
    attack: new Map(builtIn.attacks),
  };
  const add = (
    { kind, ...plugin }: DefinedPlugin,
    { hash, version }: ModuleCode,
    place: string,
  ) => {
    const registry = registries[kind] as Map<string, typeof plugin>;
    if (registry.has(plugin.name)) {
      const isOutside = outside.some((other) => other.kind === kind && other.name === plugin.name);
      const owner = isOutside ? "another plug-in's" : "built in";
      throw new UserError(
        `${place}: ${kind} '${plugin.name}': the name is ${owner}; choose another`,
      );
    }
    registry.set(plugin.name, plugin);
    outside.push({ kind, name: plugin.name, version, hash });
  };
  const files = new Map(modules.map((module) => [module.file, module]));
  for (const { file, place } of files.values()) {
    const code = await readCode(file);
    checkShared(code, place);
    for (const plugin of await exported(file, place)) add(plugin, code, place);
  }
  if (outside.length === 0) return builtIn;
  const { task: tasks, aggregator: aggregators, attack: attacks } = registries;
  return { tasks, aggregators, attacks, outside };
}

/** A second copy of these would be another instance: its errors, matrices and schemas are strangers to the first. */
const shared = /^(@fedclair\/core|zod)(\/|$)/;

/** @throws UserError if the module would load another copy of what it shares with this program, or has none */
function checkShared({ packages }: ModuleCode, place: string): void {
  for (const [name, from] of packages) {
    if (!shared.test(name)) continue;
    const [theirs, ours] = [pathToFileURL(from).href, import.meta.url].map((url) => {
      try {
        return resolve(name, url);
      } catch {
        return undefined;
      }
    });
    if (theirs === ours) continue;
    throw new UserError(
      theirs === undefined
        ? `${place}: its package '${name}' cannot be found from ${from}: npm install it there`
        : `${place}: it would load a second '${name}', ${fileURLToPath(theirs)}: install fedclair beside the plug-in ` +
            "and let both share one (in a package: peerDependencies)",
    );
  }
}

/** The plug-ins that a module exports, those included that a task brings along. */
async function exported(file: string, place: string): Promise<DefinedPlugin[]> {
  let module: { readonly default?: unknown };
  try {
    module = (await import(pathToFileURL(file).href)) as typeof module;
  } catch (error) {
    throw new UserError(`${place} cannot be imported: ${messageOf(error)}${lineOf(error, file)}`);
  }
  if (module.default === undefined) {
    throw new UserError(`${place} has no default export: export default definePlugin({ … })`);
  }
  const values: unknown[] = Array.isArray(module.default) ? module.default : [module.default];
  if (values.length === 0) throw new UserError(`${place} exports no plug-in: its array is empty`);
  return values.flatMap((value, i) => {
    const which = values.length > 1 ? `, plug-in ${i + 1} of ${values.length}` : "";
    try {
      const plugin = checkedPlugin(value);
      const rules: readonly AggregatorPlugin[] =
        plugin.kind === "task" ? (plugin.aggregators ?? []) : [];
      return [plugin, ...rules.map((rule) => checkedPlugin({ ...rule, kind: "aggregator" }))];
    } catch (error) {
      throw new UserError(
        `${place}${which}: ${error instanceof Error ? error.message : messageOf(error)}`,
      );
    }
  });
}

/** Where in the module it was thrown, as far as the error's stack says so: it does not of an error of syntax. */
function lineOf(error: unknown, file: string): string {
  if (error instanceof SyntaxError) return `; node --check ${file} shows where`;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const at = stack.split(pathToFileURL(file).href)[1];
  const [, line] = /^:(\d+)/.exec(at ?? "") ?? [];
  return line === undefined ? "" : ` (line ${line})`;
}
