// Hashes of the code that numbers depend on, so that numbers of other code are not used again.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const workspace = resolve(import.meta.dirname, "../..");

const hashes = new Map();

/**
 * A hash of the built code in some folders. It is computed once.
 * @param {readonly string[]} folders
 */
export function hashCode(folders) {
  const name = folders.join();
  if (!hashes.has(name)) {
    const files = folders.flatMap((folder) =>
      readdirSync(join(workspace, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(js|wasm)$/.test(file) && !file.endsWith(".test.js"))
        .sort()
        .map((file) => join(folder, file)),
    );
    hashes.set(name, hashFiles(files));
  }
  return hashes.get(name);
}

/** A hash of the contents of files. @param {readonly string[]} files from the workspace's root */
export function hashFiles(files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(workspace, file)));
  return hash.digest("hex").slice(0, 16);
}

/**
 * Lists the folders of some packages and of all packages that these depend on.
 * @param {readonly string[]} folders such as libs/clair
 * @returns {string[]} sorted
 */
export function listPackages(folders) {
  const found = new Set();
  const waiting = [...folders];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (found.has(folder)) continue;
    found.add(folder);
    const text = readFileSync(join(workspace, folder, "package.json"), "utf8");
    const { dependencies = {} } = JSON.parse(text);
    const own = Object.keys(dependencies).filter((name) => name.startsWith("@fedclair/"));
    waiting.push(...own.map(folderOf));
  }
  return [...found].sort();
}

/** The folder of a package. @param {string} name such as `@fedclair/clair` */
export function folderOf(name) {
  const own = name.slice("@fedclair/".length);
  const folders = [`libs/${own}`, `libs/methods/${own}`];
  const folder = folders.find((one) => existsSync(join(workspace, one, "package.json")));
  if (folder === undefined) throw new Error(`no package ${name} in libs`);
  return folder;
}

/**
 * Lists a module and the modules that it imports by a relative path.
 * @param {string} file from the workspace's root
 * @returns {string[]} sorted
 */
export function listModules(file) {
  const found = new Set();
  const waiting = [file];
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    if (found.has(module) || !existsSync(join(workspace, module))) continue;
    found.add(module);
    const text = readFileSync(join(workspace, module), "utf8");
    for (const [, path] of text.matchAll(/\bfrom "(\.[^"]*)"/g))
      waiting.push(join(dirname(module), path));
  }
  return [...found].sort();
}
