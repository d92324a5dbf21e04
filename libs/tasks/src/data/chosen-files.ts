import { UserError, type TaskPlugin } from "@fedclair/core";

/** The most that a browser tab reads, in bytes: it holds all of it in memory. */
export const mostBytes = 1 << 26;

/** A file that the user of a page has chosen. */
export interface ChosenFile {
  /** Its name, with the folders in which it was chosen: `pets/cat/1.png`. */
  readonly path: string;
  /** A browser's `File` or `Blob` is one. */
  readonly content: {
    /** Bytes. */
    readonly size: number;
    text(): Promise<string>;
    slice(start: number, end: number): { text(): Promise<string> };
    arrayBuffer(): Promise<ArrayBuffer>;
  };
}

/** What a tab has read of the files, for its page. */
export interface ReadData {
  /** The name of the file or of the folder. */
  readonly name: string;
  /** Names and values, such as the number of rows. */
  readonly facts: readonly (readonly [string, string])[];
  /** The classes that the trial names, in its order, if the task has classes. */
  readonly classes?: readonly { readonly name: string; readonly count: number }[];
  /** Sentences about what may surprise the user. */
  readonly notes: readonly string[];
}

/** The files that take the place of the trial's data. */
export interface ChosenData {
  readonly files: readonly ChosenFile[];
  /** Called when they have been read. */
  readonly onRead: (data: ReadData) => void;
}

/** Replaces what a task checks about the trial's own data, because a tab cannot see them. */
export const withoutChecks: Pick<TaskPlugin, "checkClients" | "notice"> = {
  checkClients: () => undefined,
  notice: () => undefined,
};

/** The kinds of files that a tab reads, by the ends of their names. */
const kinds = { table: /\.(csv|tsv)$/i, image: /\.png$/i, text: /\.txt$/i };
type Kind = keyof typeof kinds;

export function isTable({ path }: ChosenFile): boolean {
  return kinds.table.test(path);
}

const kindNames: Readonly<Record<Kind, string>> = {
  table: "a table whose name ends in .csv or .tsv",
  image: ".png images in a folder per class",
  text: ".txt files",
};

/** The files of one kind. */
export interface FilesOfKind {
  readonly kind: Kind;
  /** At least one. A table is alone. */
  readonly files: readonly ChosenFile[];
  /** The number of other files, which are not read. Hidden ones do not count. */
  readonly others: number;
}

/**
 * Picks the files that a task reads.
 * @param accepted the kinds that it can read, the preferred ones first
 * @throws UserError if there are none, two tables, or more bytes than fit into memory
 */
export function pickFiles(files: readonly ChosenFile[], accepted: readonly Kind[]): FilesOfKind {
  // Systems put files of their own beside those of a user: .DS_Store, __MACOSX/….
  const visible = files.filter(({ path }) => !/(^|\/)(\.|__MACOSX\/)/.test(path));
  const kind = accepted.find((one) => visible.some(({ path }) => kinds[one].test(path)));
  if (!kind) {
    const [{ path } = { path: "the folder, which is empty" }] = visible;
    throw new UserError(
      `source: expected ${accepted.map((one) => kindNames[one]).join(", or ")}, got ${path}: convert it, or choose another file`,
    );
  }
  const found = visible.filter(({ path }) => kinds[kind].test(path));
  const [first, second] = found;
  if (kind === "table" && first && second) {
    throw new UserError(
      `source: expected one table, got ${first.path} and ${second.path}: join them into one`,
    );
  }
  const bytes = found.reduce((sum, { content }) => sum + content.size, 0);
  if (bytes > mostBytes) {
    const what = found.length > 1 ? `${found.length} files` : (first?.path ?? "");
    throw new UserError(
      `source: ${what}: expected at most ${mostBytes} bytes, got ${bytes}: leave some out, or let a host of another kind join (fedclair client)`,
    );
  }
  return { kind, files: found, others: visible.length - found.length };
}

/** Says that files were not read. */
export function noteOthers({ kind, others }: FilesOfKind): readonly string[] {
  if (others === 0) return [];
  return [
    `${others === 1 ? "One other file was" : `${others} other files were`} not read: expected ${kindNames[kind]}.`,
  ];
}

/** @throws UserError if the browser cannot read the file any more */
export async function readContent<T>({ path }: ChosenFile, content: Promise<T>): Promise<T> {
  try {
    return await content;
  } catch (error) {
    throw new UserError(
      `source: cannot read ${path}: ${String(error)}: choose it again if it has changed since`,
    );
  }
}

/** Returns the folder that all files are in, or the path of the only one. */
export function nameOf(files: readonly ChosenFile[]): string {
  const [first, ...others] = files.map(({ path }) => path);
  if (first === undefined || others.length === 0) return first ?? "";
  const [folder = ""] = first.split("/");
  return others.every((path) => path.startsWith(`${folder}/`)) ? folder : `${files.length} files`;
}

/** Formats a count for people: `1,234`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-GB");
}
