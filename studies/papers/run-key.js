import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hashCode, hashFiles, listModules, listPackages } from "../support/hash-code.js";

/** What every sweep runs on. */
const always = ["libs/runs", "libs/rules"];

/**
 * The key of the runs of a claim's file: a hash of the file and of the built code that its numbers
 * depend on. Runs of other code have another key, so no formula is tested with old runs.
 * @param {string} file of a sweep or a module, from the workspace's root
 * @param {string} folder of the package that has the claim
 */
export function keyOf(file, folder) {
  const sources = file.endsWith(".js") ? [...listModules(file), ...listPrograms(file)] : [file];
  const text = sources.map((one) => readFileSync(one, "utf8")).join("\n");
  const imported = [...text.matchAll(/"@fedclair\/([\w-]+)/g)].map(([, name]) => `libs/${name}`);
  const roots = [folder, ...always, ...imported];
  if (text.includes("clair")) roots.push("libs/clair");
  if (!folder.startsWith("libs/methods/")) roots.push("libs/tasks");
  const packages = listPackages(roots);
  const data = packages.map((name) => `${name}/bank.json`).filter((name) => existsSync(name));
  const code = packages.map((name) => `${name}/dist/src`);
  return `${hashFiles([...sources, ...data])}-${hashCode(code)}`;
}

/** The programs in Python next to a module, which it may start. */
function listPrograms(file) {
  const folder = dirname(file);
  const programs = readdirSync(folder).filter((name) => name.endsWith(".py"));
  return programs.sort().map((name) => join(folder, name));
}
