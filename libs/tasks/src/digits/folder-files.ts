import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { Digits } from "./images.js";
import { listVisible } from "../data/list-visible.js";

/** The files of digits in a folder, recognised by their names. */
export interface DigitFiles {
  readonly folder: string;
  /** Name of the writer, if each writer has a folder. */
  readonly writer?: string;
  /** Pairs in the order in which they are read. */
  readonly pairs: readonly FilePair[];
  /** Names of JSON files, 0.json … 9.json. */
  readonly json: readonly string[];
  /** Gzipped files that are skipped because they are also there unzipped. */
  readonly leftOut: readonly string[];
}

/** The names of an image file and of its label file. */
interface FilePair {
  readonly images: string;
  readonly labels: string;
}

/** The digits of all folders, one folder after another. */
export interface FolderDigits extends Digits {
  /** Number of digits in each folder. */
  readonly counts: readonly number[];
}

const forms = { IDX: /-ubyte(\.gz)?$/, NumPy: /\.npy(\.gz)?$/, JSON: /^\d\.json$/ };

/**
 * Lists the files of digits in a folder or, if it has subfolders, in each of them: one per writer.
 * Names that begin with a dot are ignored.
 * @throws UserError if the folder cannot be read, or if it is unclear which files to read
 */
export function digitFiles(folder: string): readonly DigitFiles[] {
  const writers = writersIn(folder);
  const own = listFiles(folder);
  if (writers.length === 0) return requireOneForm([own]);
  const [stray] = listNames(own);
  if (stray !== undefined) {
    throw new UserError(
      `source: ${folder} has ${stray} beside the folder ${writers[0] ?? ""}: expected digits, or a folder of them a writer; move the one or the other away`,
    );
  }
  return requireOneForm(writers.map((writer) => ({ ...listFiles(join(folder, writer)), writer })));
}

/**
 * Returns what a folder has: tables, PNG images in one subfolder per class, or digits as
 * `digitFiles` lists them.
 * @throws UserError if the folder cannot be read
 */
export function kindOf(folder: string): "tables" | "png" | "digits" {
  const entries = listVisible(folder);
  const isTable = ({ name }: { readonly name: string }) =>
    /\.(csv|tsv|jsonl|parquet)(\.gz)?$/i.test(name);
  if (entries.some((entry) => !entry.isDirectory() && isTable(entry))) return "tables";
  const [first] = entries.filter((entry) => entry.isDirectory());
  const inside = first ? listVisible(join(folder, first.name)) : [];
  return inside.some(({ name }) => /\.png$/i.test(name)) ? "png" : "digits";
}

/**
 * Lists the subfolders of writers, sorted.
 * @throws UserError if the folder cannot be read
 */
export function writersIn(folder: string): readonly string[] {
  return listVisible(folder).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function listFiles(folder: string): DigitFiles {
  const files = listVisible(folder).flatMap((entry) => (entry.isDirectory() ? [] : [entry.name]));
  const zipped = files.filter((name) => name.endsWith(".gz"));
  const leftOut = zipped.filter((name) => files.includes(unzippedName(name)));
  const names = files.filter((name) => !leftOut.includes(name));
  const json = names.filter((name) => forms.JSON.test(name));
  return { folder, pairs: findPairs(folder, names), json, leftOut };
}

/**
 * Pairs image and label files in the order of their names, but training files first: MNIST's test
 * set is `t10k-…`.
 */
function findPairs(folder: string, names: readonly string[]): readonly FilePair[] {
  const arrays = names.filter((name) => forms.IDX.test(name) || forms.NumPy.test(name));
  const findPartner = (name: string, wanted: string) => {
    const partner = arrays.find((one) => unzippedName(one) === wanted);
    if (partner !== undefined) return partner;
    const what = name.includes("images") ? "labels" : "images";
    throw new UserError(
      `source: ${join(folder, name)} has no ${what} beside it: expected ${wanted}`,
    );
  };
  for (const name of arrays.filter((one) => one.includes("labels"))) {
    findPartner(name, unzippedName(name).replace("labels", "images").replace("idx1", "idx3"));
  }
  const images = arrays.filter((name) => name.includes("images"));
  const training = images.filter((name) => name.startsWith("train"));
  return [...training, ...images.filter((name) => !training.includes(name))].map((name) => ({
    images: name,
    labels: findPartner(
      name,
      unzippedName(name).replace("images", "labels").replace("idx3", "idx1"),
    ),
  }));
}

function unzippedName(name: string): string {
  return name.replace(/\.gz$/, "");
}

function listNames({ pairs, json }: DigitFiles): readonly string[] {
  return [...pairs.map(({ images }) => images), ...json];
}

/**
 * Checks that all folders have digits, and all in the same form. Two forms could hold the same
 * digits twice.
 */
function requireOneForm(parts: readonly DigitFiles[]): readonly DigitFiles[] {
  const [first, ...others] = parts.flatMap((part) =>
    listNames(part).map((name) => ({ path: join(part.folder, name), form: formOf(name) })),
  );
  if (!first) {
    throw new UserError(
      `source: no file 0.json … 9.json, no pair as train-images-idx3-ubyte and train-labels-idx1-ubyte, no table, and no subfolder of .png files per class, in ${parts.map((part) => part.folder).join(", ")}`,
    );
  }
  const other = others.find(({ form }) => form !== first.form);
  if (other) {
    throw new UserError(
      `source: ${first.path} is ${first.form ?? ""}, ${other.path} ${other.form ?? ""}: expected one form; move the files of the other away`,
    );
  }
  const emptyPart = parts.find((part) => listNames(part).length === 0);
  if (emptyPart) {
    throw new UserError(
      `source: ${emptyPart.folder} holds no digits: expected files as in the other folders, or no such folder`,
    );
  }
  return parts;
}

function formOf(name: string): string | undefined {
  return Object.entries(forms).find(([, pattern]) => pattern.test(name))?.[0];
}

/**
 * Describes surprises: gzipped files that are skipped, and several pairs that are read one after
 * another.
 */
export function describeUnusualFiles(parts: readonly DigitFiles[]): string | undefined {
  const leftOut = parts.flatMap(({ folder, leftOut }) => leftOut.map((name) => join(folder, name)));
  const [several] = parts.filter(({ pairs }) => pairs.length > 1);
  const facts = [
    ...(leftOut.length > 0
      ? [`${formatPaths(leftOut)} not read: the same, unzipped, is beside it`]
      : []),
    ...(several
      ? [
          `${several.folder} has several pairs, which are read as one: ${several.pairs.map(({ images }) => images).join(", ")}`,
        ]
      : []),
  ];
  return facts.length === 0 ? undefined : `source: ${facts.join("; ")}`;
}

/** Formats a list of paths by its first one and the number of the others. */
function formatPaths(paths: readonly string[]): string {
  const [first = ""] = paths;
  return paths.length === 1 ? `${first} is` : `${first} and ${paths.length - 1} more are`;
}
