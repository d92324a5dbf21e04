import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { listShipped } from "../shipped.js";

/** The root of the workspace whose trials are run. */
export const workspace = join(import.meta.dirname, "../..");

/**
 * Options by path, as for `--set`.
 * @typedef {Record<string, unknown>} Options
 */

/**
 * @type {{ always: Options, shorter: Record<string, Options>,
 *   variations: Record<string, Record<string, Options>> }}
 */
const { always, shorter, variations } = parse(
  readFileSync(join(import.meta.dirname, "variations.yaml"), "utf8"),
  { merge: true },
);

/**
 * Lists every shipped trial and every variation.
 * @returns name, trial file from the workspace's root, and the options that are set, by path; in
 *   values `{data}` stands for the folder of `makeData`
 */
export function trialsToRun() {
  const shipped = listShipped("trials");
  const strays = Object.keys(shorter).filter((file) => !shipped.includes(file));
  if (strays.length > 0) throw new Error(`shortened, but not there: ${strays.join(", ")}`);
  return [
    ...shipped.map((file) => ({ name: file, file, set: { ...always, ...shorter[file] } })),
    ...Object.entries(variations).flatMap(([file, own]) =>
      Object.entries(own).map(([name, set]) => ({
        name: `${file} ${name}`,
        file,
        set: { ...always, ...set },
      })),
    ),
  ];
}

/**
 * Formats options as arguments of `fedclair run`.
 * @param {Options} set
 * @param {string} data the folder of `makeData`
 */
export function setArguments(set, data) {
  return Object.entries(set).flatMap(([path, value]) => [
    "--set",
    `${path}=${JSON.stringify(value).replaceAll("{data}", data)}`,
  ]);
}
