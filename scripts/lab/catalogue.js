import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";

/**
 * @typedef {object} LabScript
 * @property {string} name the word after `npm run lab --`
 * @property {string} file path from the workspace's root
 * @property {readonly string[]} [args] arguments that come before those of the user
 * @property {boolean} [build] whether it needs a build; default true
 * @property {string} summary one line for the list
 */

const root = resolve(import.meta.dirname, "../..");

/** @type {Record<string, Record<string, Omit<LabScript, "name">>>} */
const groups = parse(readFileSync(join(import.meta.dirname, "catalogue.yaml"), "utf8"));

/**
 * The scripts that this checkout has, by group.
 * @type {Readonly<Record<string, readonly LabScript[]>>}
 */
export const labScripts = Object.fromEntries(
  Object.entries(groups).map(([group, scripts]) => [
    group,
    Object.entries(scripts)
      .map(([name, script]) => ({ name, ...script }))
      .filter(({ file }) => existsSync(join(root, file))),
  ]),
);

/**
 * @param {string} name
 * @returns {LabScript | undefined}
 */
export function findLabScript(name) {
  return Object.values(labScripts)
    .flat()
    .find((script) => script.name === name);
}
