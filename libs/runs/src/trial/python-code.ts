import { createHash } from "node:crypto";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { UserError } from "@fedclair/core";
import {
  readPythonClients,
  withPythonCode,
  type PythonClients,
  type Trial,
} from "@fedclair/core/internal";

/**
 * Adds the hash of the code of its Python clients to a resolved trial, so that the trial is another
 * one after a change of it. The trial stays as it is if the modules are not on this machine.
 * @param file the trial's file, for messages
 * @throws UserError if the trial has the hash of other code already: the run of a folder, or the
 *   sweep, began with it
 */
export function addPythonCode(trial: Trial, file: string): Trial {
  const clients = readPythonClients(trial);
  const hash = clients && hashClients(clients);
  if (hash === undefined) return trial;
  const { modules, code } = clients ?? { modules: [] };
  if (code !== undefined && code !== hash) {
    throw new UserError(
      `${file}: the Python code of ${modules.join(" and ")} has changed since this was started (code ${code}, now ${hash}): restore it, or run the trial again, which makes another run`,
    );
  }
  return withPythonCode(trial, hash);
}

/** Hashes the code of Python clients. @returns undefined if it is not on this machine */
export function hashClients({ folder, modules, args }: PythonClients): string | undefined {
  const others = args.includes("--flower") ? ["pyproject.toml"] : []; // its options reach the app
  return folder === undefined ? undefined : hashPython(folder, modules, others);
}

/**
 * Hashes Python modules and what they import from their folder, without running them. It does not
 * include packages from elsewhere, modules that are found through `sys.path`, imports by names that
 * are computed, or data.
 * @param others further files of the folder, which may be absent
 * @returns 16 hexadecimal digits; undefined if one of the modules is not in the folder
 */
export function hashPython(
  folder: string,
  modules: readonly string[],
  others: readonly string[] = [],
): string | undefined {
  if (!isFolder(folder)) return undefined;
  const top = realpathSync(folder);
  const roots = modules.map((name) => locate(top, name.split(".")));
  if (roots.some((found) => found.length === 0)) return undefined;
  const files = new Set([...roots.flat(), ...others.map((name) => join(top, name)).filter(isFile)]);
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(file);
    // Relative, so that the hash does not depend on where the folder is.
    const path = relative(top, file).split(sep).join("/");
    hash.update(`${path}\0${content.length}\0`).update(content);
    const names = listImportedNames(content.toString("utf8"));
    for (const found of findModules(names, foldersAbove(file, top))) files.add(found);
  }
  return hash.digest("hex").slice(0, 16);
}

/** The files that run when a dotted name is imported: packages, and the module at the end. */
function locate(base: string, names: readonly string[]): string[] {
  return names.flatMap((_, i) => {
    const path = join(base, ...names.slice(0, i + 1));
    return [join(path, "__init__.py"), `${path}.py`].find(isFile) ?? [];
  });
}

/** The folders from that of a file up to the top one, which imports may begin from. */
function foldersAbove(file: string, top: string): string[] {
  const names = relative(top, dirname(file)).split(sep);
  if (names[0] === "..") return [dirname(file)]; // a link led out of the folder
  return [top, ...names.map((_, i) => join(top, ...names.slice(0, i + 1)))];
}

/** Finds modules by their names, in the folders and in the folders inside that have such a name. */
function findModules(names: ReadonlySet<string>, folders: readonly string[]): string[] {
  const searched = new Set(folders);
  const found: string[] = [];
  for (const folder of searched) {
    const [start] = locate(folder, ["__init__"]);
    if (start !== undefined) found.push(start);
    for (const name of names) {
      const path = join(folder, name);
      if (isFile(`${path}.py`)) found.push(`${path}.py`);
      if (isFolder(path)) searched.add(realpathSync(path)); // links may form a circle
    }
  }
  return found;
}

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
const isFolder = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** Lists, brackets included, that may go on over several lines. */
const listed = /\bimport\s*\([^)]*\)|__all__[\s+]*=\s*[[(][^\])]*[\])]/g;

/** Lines that import something, or say what `import *` does. */
const importing = /^.*\b(?:import|__import__|import_module|__all__)\b.*$/gm;

/**
 * Lists the words of all lines that import something: names of modules are among them. A word that
 * names a module which is not imported does no harm: the hash then covers that module too.
 */
function listImportedNames(text: string): ReadonlySet<string> {
  const lines = text
    .replaceAll(/#.*/g, "")
    .replaceAll(/\\\r?\n/g, " ")
    .replaceAll(listed, (list) => list.replaceAll(/\s+/g, " "));
  return new Set(lines.match(importing)?.flatMap((line) => line.match(/[\p{L}\p{N}_]+/gu) ?? []));
}
