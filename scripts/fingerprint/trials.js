import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { listShipped } from "../shipped.js";
import { always, shorter, variations } from "./variations.js";

/** The root of the workspace whose trials are run. */
export const workspace = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

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

/** Formats options as arguments of `fedclair run`. */
export function setArguments(set, data) {
  return Object.entries(set).flatMap(([path, value]) => [
    "--set",
    `${path}=${JSON.stringify(value).replaceAll("{data}", data)}`,
  ]);
}
