import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { folderOf, hashCode, hashFiles, listModules, listPackages } from "../support/hash-code.js";

/** What every sweep runs on. */
const always = ["libs/runs", "libs/rules"];

/**
 * The key of the runs of a claim's file: a hash of the file, of programs in Python beside it, and
 * of the built code and the banks that its numbers depend on. Runs of other code have another key,
 * so no formula is tested with old runs.
 * @param {string} file of a sweep or a module, from the workspace's root
 * @param {string} folder of the package that has the claim
 */
export function keyOf(file, folder) {
  const sources = file.endsWith(".js")
    ? [...listModules(file), ...listFiles(dirname(file), ".py")]
    : [file];
  const text = sources.map((one) => readFileSync(one, "utf8")).join("\n");
  const imported = [...text.matchAll(/"(@fedclair\/[\w-]+)/g)].map(([, name]) => folderOf(name));
  const roots = [folder, ...always, ...imported];
  if (text.includes("clair")) roots.push("libs/clair");
  if (!folder.startsWith("libs/methods/")) roots.push("libs/tasks");
  const packages = listPackages(roots);
  const banks = packages.map((name) => `${name}/bank.json`).filter((name) => existsSync(name));
  const data = [...banks, ...listFiles(join(folder, "claims/banks"), ".json")];
  const code = packages.map((name) => `${name}/dist/src`);
  return `${hashFiles([...sources, ...data])}-${hashCode(code)}`;
}

/** The files of a folder with an ending; none if there is no such folder. */
function listFiles(folder, ending) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => join(folder, name));
}
