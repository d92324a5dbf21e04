import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** Colour of lines and labels. */
export const ink = "#222222";

/**
 * Reads a Vega-Lite figure from a YAML file of this folder, in which strings such as `$title` stand
 * for values.
 * @param {string} name of the file
 * @param {Record<string, unknown>} values what stands for what, without the dollar sign
 * @returns {Record<string, any>}
 */
export function readSpec(name, values) {
  const text = readFileSync(join(import.meta.dirname, `${name}.yaml`), "utf8");
  return fill(parse(text, { merge: true }));

  /** @param {any} node */
  function fill(node) {
    if (typeof node === "string" && node.startsWith("$")) {
      if (!(node.slice(1) in values)) throw new Error(`${name}.yaml: no value for ${node}`);
      return values[node.slice(1)];
    }
    if (Array.isArray(node)) return node.map(fill);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, fill(value)]));
  }
}
