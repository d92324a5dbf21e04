// Measures in files, so that a bank is made again in seconds. A file is made again if the code that
// it depends on has changed.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { Matrix } from "@fedclair/linalg";

/** @typedef {import("@fedclair/clair").ClientMeasures} ClientMeasures */

/**
 * Reads what a file has under a key, or makes it and writes the file.
 * @param {string} file
 * @param {string} key what the content depends on
 * @param {() => Promise<object>} make its arrays of numbers may be typed, and become plain ones
 * @returns {Promise<any>} as JSON has it
 */
export async function cached(file, key, make) {
  if (existsSync(file)) {
    const saved = JSON.parse(readFileSync(file, "utf8"));
    if (saved.key === key) return saved;
  }
  const text = JSON.stringify({ key, ...(await make()) }, toPlain);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.unfinished`, text);
  await rename(`${file}.unfinished`, file);
  return JSON.parse(text);
}

function toPlain(_key, value) {
  return value instanceof Float64Array ? [...value] : value;
}

/** @returns {ClientMeasures} measures of a file */
export function reviveMeasures(plain) {
  const matrix = ({ rows, cols, data }) => new Matrix(rows, cols, Float64Array.from(data));
  const columns = ["size", "shape", "evenness", "outside"];
  return {
    ...plain,
    ...Object.fromEntries(columns.map((key) => [key, Float64Array.from(plain[key])])),
    cosines: matrix(plain.cosines),
    ...(plain.rowSpaces && { rowSpaces: matrix(plain.rowSpaces) }),
    ...(plain.residuals && {
      residuals: { ...plain.residuals, energies: Float64Array.from(plain.residuals.energies) },
    }),
  };
}

/** The rooms of CLAIR that measure, without the judges. */
export const measuringCode = ["measures", "modules", "space", "updates"].map(
  (room) => `libs/clair/dist/src/${room}`,
);
