import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { UserError } from "@fedclair/core";
import { init, parse } from "es-module-lexer";
import { resolve } from "import-meta-resolve";

/** The source code of a module, without running it. */
export interface ModuleCode {
  /**
   * Hash of the file and of all files that it imports by relative paths, as 16 hexadecimal digits.
   */
  readonly hash: string;
  /**
   * Version in the package.json of the file's package; empty if there is no package.json, or no
   * version in it.
   */
  readonly version: string;
  /** The packages that these files import, each with a file that imports it. */
  readonly packages: ReadonlyMap<string, string>;
}

/**
 * Reads a module's code without running it. The hash does not include packages, or data that the
 * module reads at run time.
 * @throws UserError if a file is none, such as a FIFO, which would block the process
 */
export async function readCode(file: string): Promise<ModuleCode> {
  await init();
  const hash = createHash("sha256");
  const packages = new Map<string, string>();
  const files = new Set([file]);
  for (const current of files) {
    const stats = statSync(current, { throwIfNoEntry: false });
    if (!stats) continue; // the import will report it
    if (!stats.isFile()) throw new UserError(`'${current}': expected a regular file`);
    const content = readFileSync(current);
    // Relative, so that the hash does not depend on where the folder is.
    const path = relative(dirname(file), current).split(sep).join("/");
    hash.update(`${path}\0${content.length}\0`).update(content);
    for (const specifier of listImports(content.toString("utf8"))) {
      const isOwn = /^(\.|#|\/|file:)/.test(specifier);
      if (isOwn) files.add(resolveOwnFile(specifier, current) ?? current);
      else packages.set(specifier, current);
    }
  }
  return { hash: hash.digest("hex").slice(0, 16), version: readVersion(file), packages };
}

function listImports(text: string): string[] {
  try {
    const [imports] = parse(text);
    return imports.flatMap((one) =>
      one.type === "static" || one.type === "reexport-star" || (one.type === "dynamic" && !one.glob)
        ? (one.specifier ?? [])
        : [],
    );
  } catch {
    return []; // not an ECMAScript module: JSON, or an error that the import will report
  }
}

/** Resolves an import of a file in the module's own package. */
function resolveOwnFile(specifier: string, from: string): string | undefined {
  try {
    return fileURLToPath(resolve(specifier, pathToFileURL(from).href));
  } catch {
    return undefined;
  }
}

function readVersion(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: unknown };
      return typeof version === "string" && /^[\w.+-]{1,64}$/.test(version) ? version : "";
    }
    if (folder === dirname(folder)) return "";
  }
}
