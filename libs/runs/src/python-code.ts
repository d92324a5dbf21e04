import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { UserError } from "@fedclair/core";
import { readPythonClients, withPythonCode, type Trial } from "@fedclair/core/internal";

/**
 * Adds the hash of the code of its Python clients to a resolved trial, so that the trial is another
 * one after a change of it. The trial stays as it is if the modules are not on this machine.
 * @param file the trial's file, for messages
 * @throws UserError if the trial has the hash of other code already: the run of a folder, or the
 *   sweep, began with it
 */
export function addPythonCode(trial: Trial, file: string): Trial {
  const { folder, modules = [], code } = readPythonClients(trial) ?? {};
  const hash = folder === undefined ? undefined : hashPython(folder, modules);
  if (hash === undefined) return trial;
  if (code !== undefined && code !== hash) {
    throw new UserError(
      `${file}: the Python code of ${modules.join(" and ")} has changed since this was started (code ${code}, now ${hash}): restore it, or run the trial again, which makes another run`,
    );
  }
  return withPythonCode(trial, hash);
}

/**
 * Hashes Python modules and what they import from their folder, without running them. It does not
 * include packages from elsewhere, imports by names that are computed, or data.
 * @returns 16 hexadecimal digits; undefined if one of the modules is not in the folder
 */
export function hashPython(folder: string, modules: readonly string[]): string | undefined {
  const roots = modules.map((name) => locate(folder, name.split(".")));
  if (roots.some((found) => found.length === 0)) return undefined;
  const files = new Set(roots.flat());
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readFileSync(file);
    // Relative, so that the hash does not depend on where the folder is.
    const path = relative(folder, file).split(sep).join("/");
    hash.update(`${path}\0${content.length}\0`).update(content);
    for (const { dots, names } of listImports(content.toString("utf8"))) {
      const base = dots === 0 ? folder : join(dirname(file), "../".repeat(dots - 1));
      for (const found of locate(base, names)) files.add(found);
    }
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

const isFile = (path: string) => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** `from .a.b import (c, d as e)` or `import a.b as c, d`, at the beginning of a statement. */
const importStatement =
  /(?:^|;|:)[ \t]*(?:from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n;#]*)|import[ \t]+([^\n;#]*))/gmu;

/**
 * Lists what a module may import. What follows `import` in a `from` statement may be a module too.
 */
function listImports(text: string): { dots: number; names: string[] }[] {
  const lines = text.replaceAll(/\\\r?\n/g, " ");
  return [...lines.matchAll(importStatement)].flatMap(
    ([, dots = "", from = "", imported = "", plain = ""]) => {
      const base = from.split(".").filter((name) => name !== "");
      const words = listNames(plain === "" ? imported : plain);
      if (plain !== "") return words.map((name) => ({ dots: 0, names: name.split(".") }));
      return ["", ...words].map((name) => ({
        dots: dots.length,
        names: name === "" ? base : [...base, name],
      }));
    },
  );
}

/** The names in `(a as b,  # why\n c)`. */
function listNames(list: string): string[] {
  return list
    .replaceAll(/#.*/g, "")
    .split(",")
    .flatMap((item) => /[\w.]+/u.exec(item)?.[0] ?? []);
}
