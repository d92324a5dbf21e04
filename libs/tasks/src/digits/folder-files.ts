import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Digits } from "./images.js";

/** A folder's files of digits, told by their names alone. */
export interface DigitFiles {
  readonly folder: string;
  /** Whose folder it is, where each writer has one. */
  readonly writer?: string;
  /** In the order in which they are read. */
  readonly pairs: readonly Pair[];
  /** Of 0.json … 9.json. */
  readonly json: readonly string[];
  /** Gzipped files that lie unzipped beside themselves. */
  readonly leftOut: readonly string[];
}

/** Names of two files. */
export interface Pair {
  readonly images: string;
  readonly labels: string;
}

/** What was read of such files, all folders behind one another. */
export interface FolderDigits extends Digits {
  /** Of digits, a folder each. */
  readonly counts: readonly number[];
}

const forms = { IDX: /-ubyte(\.gz)?$/, NumPy: /\.npy(\.gz)?$/, JSON: /^\d\.json$/ };

/**
 * The files of digits in a folder, or, where it has subfolders, in each of them: one a writer. Names that begin with a dot
 * are nobody's.
 * @throws UserError where it cannot be read, or where what is to be read is not clear
 */
export function digitFiles(folder: string): readonly DigitFiles[] {
  const writers = writersIn(folder);
  const own = filesIn(folder);
  if (writers.length === 0) return checked([own]);
  const [stray] = namesOf(own);
  if (stray !== undefined) {
    throw new UserError(
      `source: ${folder} has ${stray} beside the folder ${writers[0] ?? ""}: expected digits, or a folder of them a writer; move the one or the other away`,
    );
  }
  return checked(writers.map((writer) => ({ ...filesIn(join(folder, writer)), writer })));
}

/** Subfolders, sorted. @throws UserError when the folder cannot be read */
export function writersIn(folder: string): readonly string[] {
  return entriesOf(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function filesIn(folder: string): DigitFiles {
  const files = entriesOf(folder).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));
  const zipped = files.filter((name) => name.endsWith(".gz"));
  const leftOut = zipped.filter((name) => files.includes(unzippedName(name)));
  const names = files.filter((name) => !leftOut.includes(name));
  const json = names.filter((name) => forms.JSON.test(name));
  return { folder, pairs: pairsOf(folder, names), json, leftOut };
}

function entriesOf(folder: string) {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries
      .filter(({ name }) => !name.startsWith("."))
      .sort((a, b) => Number(a.name > b.name) - Number(a.name < b.name));
  } catch (error) {
    throw new UserError(`source: cannot read the folder ${folder}: ${String(error)}`);
  }
}

/** In the order of their names, but what is named for training first: MNIST's test set is `t10k-…`. */
function pairsOf(folder: string, names: readonly string[]): readonly Pair[] {
  const arrays = names.filter((name) => forms.IDX.test(name) || forms.NumPy.test(name));
  const partner = (name: string, wanted: string) => {
    const found = arrays.find((one) => unzippedName(one) === wanted);
    if (found !== undefined) return found;
    const what = name.includes("images") ? "labels" : "images";
    throw new UserError(
      `source: ${join(folder, name)} has no ${what} beside it: expected ${wanted}`,
    );
  };
  for (const name of arrays.filter((one) => one.includes("labels"))) {
    partner(name, unzippedName(name).replace("labels", "images").replace("idx1", "idx3"));
  }
  const images = arrays.filter((name) => name.includes("images"));
  const training = images.filter((name) => name.startsWith("train"));
  return [...training, ...images.filter((name) => !training.includes(name))].map((name) => ({
    images: name,
    labels: partner(name, unzippedName(name).replace("images", "labels").replace("idx3", "idx1")),
  }));
}

function unzippedName(name: string): string {
  return name.replace(/\.gz$/, "");
}

function namesOf({ pairs, json }: DigitFiles): readonly string[] {
  return [...pairs.map(({ images }) => images), ...json];
}

/** Do all have digits, and in one form? Of two, nobody could say whether they are the same digits. */
function checked(parts: readonly DigitFiles[]): readonly DigitFiles[] {
  const [first, ...others] = parts.flatMap((part) =>
    namesOf(part).map((name) => ({ path: join(part.folder, name), form: formOf(name) })),
  );
  if (!first) {
    throw new UserError(
      `source: no file 0.json … 9.json, and no pair as train-images-idx3-ubyte and train-labels-idx1-ubyte, in ${parts.map((part) => part.folder).join(", ")}`,
    );
  }
  const other = others.find(({ form }) => form !== first.form);
  if (other) {
    throw new UserError(
      `source: ${first.path} is ${first.form ?? ""}, ${other.path} ${other.form ?? ""}: expected one form; move the files of the other away`,
    );
  }
  const lacking = parts.find((part) => namesOf(part).length === 0);
  if (lacking) {
    throw new UserError(
      `source: ${lacking.folder} holds no digits: expected files as in the other folders, or no such folder`,
    );
  }
  return parts;
}

function formOf(name: string): string | undefined {
  return Object.entries(forms).find(([, pattern]) => pattern.test(name))?.[0];
}

/** What of these may surprise: which of several files is not read, and which are read one after another. */
export function remarkOnFiles(parts: readonly DigitFiles[]): string | undefined {
  const leftOut = parts.flatMap(({ folder, leftOut }) => leftOut.map((name) => join(folder, name)));
  const [several] = parts.filter(({ pairs }) => pairs.length > 1);
  const remarks = [
    ...(leftOut.length > 0
      ? [`${listed(leftOut)} not read: the same, unzipped, is beside it`]
      : []),
    ...(several
      ? [
          `${several.folder} has several pairs, which are read as one: ${several.pairs.map(({ images }) => images).join(", ")}`,
        ]
      : []),
  ];
  return remarks.length === 0 ? undefined : `source: ${remarks.join("; ")}`;
}

/** The first of them by name. */
function listed(paths: readonly string[]): string {
  const [first = ""] = paths;
  return paths.length === 1 ? `${first} is` : `${first} and ${paths.length - 1} more are`;
}
