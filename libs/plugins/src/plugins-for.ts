import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Plugins } from "@fedclair/core";
import { namedPlugins } from "@fedclair/core/internal";
import { loadPlugins } from "./load-plugins.js";
import { resolveModule, type PluginModule } from "./resolve-module.js";

/** The plug-ins that a trial file or a sweep can name: those built in, and those of its key `plugins`. Runs their code. */
export async function pluginsFor(
  file: string,
  overrides: readonly string[] = [],
): Promise<Plugins> {
  const text = await textOf(file);
  return await loadPlugins(modulesIn(text, file, overrides), [text, ...overrides].join("\n"));
}

/**
 * The modules that a trial file names in `plugins`; none of a file that cannot be read, of which those who parse it tell.
 * @throws UserError as `resolveModule`
 */
export async function namedModules(
  file: string,
  overrides: readonly string[] = [],
): Promise<PluginModule[]> {
  return modulesIn(await textOf(file), file, overrides);
}

function modulesIn(text: string, file: string, overrides: readonly string[]): PluginModule[] {
  return namedPlugins(text, overrides).modules.map(({ text: module, by, of }) =>
    by === "file"
      ? resolveModule(module, dirname(file), [file, "plugins", ...(of ? [of] : [])].join(": "))
      : resolveModule(module, ".", "--set plugins"),
  );
}

async function textOf(file: string): Promise<string> {
  return await readFile(file, "utf8").catch(() => "");
}
