import { dirname } from "node:path";
import type { DefinedPlugin, Plugins } from "@fedclair/core";
import { readNamedPlugins, type Trial, type TrialSource } from "@fedclair/core/internal";
import { loadPlugins } from "./load-plugins.js";
import { resolveModule, type PluginModule } from "./resolve-module.js";
import { limitMainThread } from "./threads/main-thread-limit.js";

/**
 * Loads the plug-ins that a trial or a sweep can use: the built-in ones, and those of its key
 * `plugins`, whose code runs.
 * @param own as in `loadPlugins`
 * @throws UserError as `loadPlugins`
 */
export async function loadNamedPlugins(
  source: TrialSource,
  own?: readonly DefinedPlugin[],
): Promise<Plugins> {
  const { limits } = (source.yaml.content ?? {}) as { limits?: Partial<Trial["limits"]> };
  const { serverSeconds } = limits ?? {};
  // The trial is not checked yet.
  if (typeof serverSeconds === "number" && serverSeconds > 0) limitMainThread(serverSeconds);
  return await loadPlugins(namedModules(source), source.yaml.content, undefined, own);
}

/**
 * Resolves the modules that a trial or a sweep names in `plugins`. Returns none if the key has
 * faults, which the check of the trial reports.
 * @throws UserError as `resolveModule`
 */
export function namedModules({ file, yaml }: TrialSource): PluginModule[] {
  const placeOf = (index: number, of: string | undefined) =>
    [yaml.place(["plugins", String(index)]), "plugins", ...(of ? [of] : [])].join(": ");
  return readNamedPlugins(yaml).modules.map(({ text: module, by, of, index }) =>
    by === "file"
      ? resolveModule(module, dirname(file), placeOf(index, of))
      : resolveModule(module, ".", "--set plugins"),
  );
}
