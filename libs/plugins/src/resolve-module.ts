import { realpathSync, statSync } from "node:fs";
import { extname, isAbsolute, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { excerpt, UserError } from "@fedclair/core";
import { resolve as resolvePackage } from "import-meta-resolve";

/** A module of plug-ins that was found on disk. */
export interface PluginModule {
  /** Absolute path of its file. */
  readonly file: string;
  /** Where and how the module is named, for error messages. */
  readonly place: string;
}

/**
 * Finds a module as Node.js would from a file in `folder`.
 * @param text a path that begins with `./`, `../` or `/`, or the name of a package
 * @param by where the module is named, for error messages: `trial.yaml: plugins`
 * @throws UserError with advice if it does not exist
 */
export function resolveModule(text: string, folder: string, by: string): PluginModule {
  const place = `${by}: '${excerpt(text)}'`;
  if (text.includes("\0")) throw new UserError(`${place}: expected a path without NUL`);
  const isPath = /^\.\.?[/\\]/.test(text) || isAbsolute(text);
  const file = isPath ? resolve(folder, text) : resolvePackageFile(text, folder, place);
  if (/^\.[mc]?tsx?$/.test(extname(file))) {
    throw new UserError(`${place} is TypeScript: compile it (npx tsc) and name the .js file`);
  }
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isDirectory()) {
    throw new UserError(`${place} is a folder: name the module in it, as ${text}/index.js`);
  }
  if (!stats) {
    const hasJsFile = statSync(`${file}.js`, { throwIfNoEntry: false })?.isFile();
    throw new UserError(
      `${place}: there is no file ${file}: ${hasJsFile ? `did you mean ${text}.js?` : "put it there, or correct the path"}`,
    );
  }
  // A FIFO or a device would block the process.
  if (!stats.isFile()) throw new UserError(`${place}: expected a regular file`);
  return { file: realpathSync(file), place };
}

/** Finds the modules that option `--plugin` names. @throws UserError as `resolveModule` */
export function resolveModules(texts: readonly string[]): PluginModule[] {
  return texts.map((text) => resolveModule(text, ".", "--plugin"));
}

function resolvePackageFile(text: string, folder: string, place: string): string {
  let url: string;
  try {
    url = resolvePackage(text, pathToFileURL(join(resolve(folder), "trial.yaml")).href);
  } catch (error) {
    if (statSync(resolve(folder, text), { throwIfNoEntry: false })) {
      throw new UserError(`${place} is no package: name a file by its path, ./${text}`);
    }
    const why = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    throw new UserError(
      `${place}: no such package can be found from ${resolve(folder)}${why}: npm install it there`,
    );
  }
  if (!url.startsWith("file:")) throw new UserError(`${place} is no module of plug-ins`);
  return fileURLToPath(url);
}
