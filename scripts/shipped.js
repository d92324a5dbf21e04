// Finds the trials and sweeps of this repository: those of its folders `trials` and `sweeps`, and
// those beside the code of a package.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

/** Lists the folders of all methods. */
export function listMethods() {
  return readdirSync(join(root, "libs/methods"))
    .sort()
    .map((name) => `libs/methods/${name}`);
}

/**
 * Lists the files of a kind, sorted.
 * @param {"trials" | "sweeps"} kind
 * @returns {string[]} paths from the workspace's root
 */
export function listShipped(kind) {
  const packages = ["libs/rules", ...listMethods()];
  return [kind, ...packages.map((folder) => `${folder}/${kind}`)]
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".yaml"))
        .map((file) => `${folder}/${file.replaceAll("\\", "/")}`),
    )
    .sort();
}

/**
 * Returns the path of a trial from the workspace's root.
 * @param {string} name such as digits/sampled, or copy-average/noise of the method copy-average
 */
export function trialFile(name) {
  const [group, ...rest] = name.split("/");
  const own = `libs/methods/${group}`;
  const folder = existsSync(join(root, own)) ? `${own}/trials` : `trials/${group}`;
  return `${folder}/${rest.join("/")}.yaml`;
}

/** Returns the task or method to which a trial belongs, from its path. */
export function groupOf(file) {
  return file.replace(/^libs\/methods\/([^/]+)\/trials\//, "trials/$1/").split("/")[1];
}
