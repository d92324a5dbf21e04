import { join } from "node:path";
import { excerpt, UserError } from "@fedclair/core";
import { sum } from "@fedclair/linalg";
import { startReading } from "../data/reading-time.js";
import { readSmallFile } from "../data/small-file.js";
import type { DigitFiles, FolderDigits } from "./folder-files.js";
import { numberClasses } from "../data/class-names.js";
import { classes, formatPosition, pixels } from "./images.js";

/**
 * Reads digits in the form of the npm package: files 0.json … 9.json, each { "data": [pixels of all
 * digits with this label, one after another] }.
 * @param names the classes that the trial names; default: 0 to 9
 */
export async function readDigitsJson(
  folders: readonly DigitFiles[],
  names: readonly string[] | undefined,
): Promise<FolderDigits> {
  const numberOf = names && numberClasses(names);
  const files = folders.flatMap(({ folder, json }) =>
    json.map((name) => {
      const [path, digit] = [join(folder, name), name.charAt(0)];
      return { folder, label: numberOf?.(digit, () => path) ?? Number(digit), path };
    }),
  );
  const signal = startReading();
  const read: ((typeof files)[number] & { readonly values: Float32Array })[] = [];
  for (const file of files) read.push({ ...file, values: await readPixels(file.path, signal) });
  const images = new Float32Array(sum(read.map(({ values }) => values.length)));
  const labels = new Int32Array(images.length / pixels);
  let start = 0;
  for (const { label, values } of read) {
    images.set(values, start * pixels);
    const end = start + values.length / pixels;
    labels.fill(label, start, end);
    start = end;
  }
  const countDigits = (folder: string) =>
    sum(read.map((file) => (file.folder === folder ? file.values.length / pixels : 0)));
  return {
    images,
    labels,
    pixels,
    classes: names?.length ?? classes,
    counts: folders.map(({ folder }) => countDigits(folder)),
  };
}

/** A number takes two bytes at least, and up to 24 in memory. */
const mostBytes = 1 << 26;

/**
 * Reads the pixels of one file.
 * @throws UserError if the file holds something else
 */
async function readPixels(path: string, signal: AbortSignal): Promise<Float32Array> {
  const bytes = await readSmallFile(path, signal, mostBytes);
  const content = parseJson(path, bytes.toString("utf8"));
  const { data } = (typeof content === "object" && content ? content : {}) as { data?: unknown };
  if (!Array.isArray(data)) throw createFormatError(path, "no list 'data'");
  const values = new Float32Array(data.length);
  data.forEach((value: unknown, place) => {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) {
      throw createFormatError(
        path,
        `${excerpt(JSON.stringify(value))} as ${formatPosition(place, pixels)}`,
      );
    }
    values[place] = value;
  });
  if (values.length % pixels !== 0) throw createFormatError(path, `${values.length} numbers`);
  return values;
}

function createFormatError(path: string, got: string): UserError {
  return new UserError(
    `source: ${path}: expected { "data": [numbers in 0 … 1, ${pixels} a digit] }, got ${got}`,
  );
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`source: ${path} is not JSON: ${String(error)}`);
  }
}
