import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Plugins } from "@fedclair/core";
import { namedPlugins } from "@fedclair/core/internal";
import { loadPlugins } from "./load-plugins.js";
import { resolveModule, type PluginModule } from "./resolve-module.js";

/**
 * Loads the plug-ins that a trial file or a sweep can name: the built-in ones, and those in its
 * `plugins` key. Runs their code.
 */
export async function pluginsFor(
  file: string,
  overrides: readonly string[] = [],
): Promise<Plugins> {
  const text = await readText(file);
  return await loadPlugins(resolveModules(text, file, overrides), [text, ...overrides].join("\n"));
}

/**
 * Finds the modules that a trial file names in `plugins`. Returns none for an unreadable file; the
 * trial parser reports that error.
 * @throws UserError as `resolveModule` does
 */
export async function namedModules(
  file: string,
  overrides: readonly string[] = [],
): Promise<PluginModule[]> {
  return resolveModules(await readText(file), file, overrides);
}

function resolveModules(text: string, file: string, overrides: readonly string[]): PluginModule[] {
  return namedPlugins(text, overrides).modules.map(({ text: module, by, of }) =>
    by === "file"
      ? resolveModule(module, dirname(file), [file, "plugins", ...(of ? [of] : [])].join(": "))
      : resolveModule(module, ".", "--set plugins"),
  );
}

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch(() => "");
}
