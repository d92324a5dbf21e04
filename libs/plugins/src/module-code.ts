import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { init, parse } from "es-module-lexer";
import { resolve } from "import-meta-resolve";

/** What a module is made of. */
export interface ModuleCode {
  /** Of the file and of all that it imports by relative paths, in 16 hexadecimal digits. */
  readonly hash: string;
  /** Of the package.json that the file belongs to; empty if there is none, or none in it. */
  readonly version: string;
  /** The packages that these files import, with a file that does. */
  readonly packages: ReadonlyMap<string, string>;
}

/** Reads a module's code without running it. What it reads otherwise, data and packages, is not part of its hash. */
export async function readCode(file: string): Promise<ModuleCode> {
  await init();
  const hash = createHash("sha256");
  const packages = new Map<string, string>();
  const files = new Set([file]);
  for (const one of files) {
    if (!existsSync(one)) continue; // the import will tell
    const content = readFileSync(one);
    // The same wherever the folder lies.
    const path = relative(dirname(file), one).split(sep).join("/");
    hash.update(`${path}\0${content.length}\0`).update(content);
    for (const specifier of importsOf(content.toString("utf8"))) {
      const isOwn = /^(\.|#|\/|file:)/.test(specifier);
      if (isOwn) files.add(ownFile(specifier, one) ?? one);
      else packages.set(specifier, one);
    }
  }
  return { hash: hash.digest("hex").slice(0, 16), version: versionOf(file), packages };
}

function importsOf(text: string): string[] {
  try {
    const [imports] = parse(text);
    return imports.flatMap((one) =>
      one.type === "static" || one.type === "reexport-star" || (one.type === "dynamic" && !one.glob)
        ? (one.specifier ?? [])
        : [],
    );
  } catch {
    return []; // no module of ECMAScript: JSON, or an error that the import will tell
  }
}

/** A file of the module's own package. */
function ownFile(specifier: string, from: string): string | undefined {
  try {
    return fileURLToPath(resolve(specifier, pathToFileURL(from).href));
  } catch {
    return undefined;
  }
}

function versionOf(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) {
      const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: unknown };
      return typeof version === "string" && /^[\w.+-]{1,64}$/.test(version) ? version : "";
    }
    if (folder === dirname(folder)) return "";
  }
}
