import { seedPath } from "./grid.js";

/** Names in the folder of a sweep that are no runs. */
const taken = ["figures", "slurm"];

/** Longer names are cut, since paths have a limit on some systems. */
const maxLength = 80;

/**
 * Names the run folders of a sweep by what differs between its trials, such as
 * `multi-krum-seed-3`. Letters are in lower case, and all names differ.
 * @param points the label of each dimension's value, by the dimension's path
 */
export function nameFolders(points: readonly ReadonlyMap<string, string>[]): string[] {
  const used = new Set(taken);
  return points.map((at) => {
    const parts = [...at].sort(([a], [b]) => Number(a === seedPath) - Number(b === seedPath));
    const name = parts.map(([path, label]) => formatPart(path, label)).join("-");
    const short = name.slice(0, maxLength).replace(/[-.]+$/, "") || "run";
    let unique = short;
    for (let n = 2; used.has(unique); n++) unique = `${short}-${n}`;
    used.add(unique);
    return unique;
  });
}

/** Formats a value, after its key unless it is a name: `label-flip`, `seed-3`, `noise-0.02`. */
function formatPart(path: string, label: string): string {
  const key =
    path
      .split(".")
      .filter((part) => /^[a-z]/i.test(part))
      .at(-1) ?? path;
  const isName = /^[a-z]/i.test(label) && !/^(true|false|none|null)$/.test(label);
  return toFileName(isName ? label : `${key}-${label}`);
}

function toFileName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "");
}
