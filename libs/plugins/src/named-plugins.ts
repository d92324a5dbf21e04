import { dirname } from "node:path";
import { excerpt, UserError, type DefinedPlugin, type Plugins } from "@fedclair/core";
import { readNamedPlugins, type Trial, type TrialSource } from "@fedclair/core/internal";
import { loadPlugins } from "./load-plugins.js";
import { readCode } from "./module-code.js";
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
export function namedModules(source: TrialSource): PluginModule[] {
  return placedModules(source).map(({ text, folder, place }) => resolveModule(text, folder, place));
}

/** Hashes the code of the modules that a sweep names, in their order, for `matchModules`. */
export async function hashModules(source: TrialSource): Promise<string[]> {
  return await Promise.all(namedModules(source).map(async ({ file }) => hashOf(file)));
}

/**
 * Finds the modules that a sweep from another machine names, by their code.
 * @param hashes of the modules, as `hashModules` returns them
 * @param allowed files of the modules that may run here
 * @throws UserError if one of them is not allowed
 */
export async function matchModules(
  source: TrialSource,
  hashes: readonly string[],
  allowed: readonly string[],
): Promise<PluginModule[]> {
  const known = new Map<string, string>();
  for (const file of allowed) known.set(await hashOf(file), file);
  return placedModules(source).map(({ text, place }, i) => {
    const hash = hashes[i] ?? "";
    const file = known.get(hash);
    if (file !== undefined) return { file, place: `${place}: '${excerpt(text)}'` };
    throw new UserError(
      `${place}: '${excerpt(text)}': its code runs only where the worker's operator allows it: start the worker with --plugin and a module of the same name whose code has the hash ${hash}`,
    );
  });
}

async function hashOf(file: string): Promise<string> {
  return (await readCode(file)).hash;
}

/** Lists the modules that a trial or a sweep names, with the folders that paths start from. */
function placedModules({ file, yaml }: TrialSource) {
  const placeOf = (index: number, of: string | undefined) =>
    [yaml.place(["plugins", String(index)]), "plugins", ...(of ? [of] : [])].join(": ");
  return readNamedPlugins(yaml).modules.map(({ text, by, of, index }) =>
    by === "file"
      ? { text, folder: dirname(file), place: placeOf(index, of) }
      : { text, folder: ".", place: "--set plugins" },
  );
}
