import { openFolder, openTable } from "#table-files";
import { excerpt, UserError } from "@fedclair/core";
import { didYouMean } from "@fedclair/core/internal";
import { item } from "@fedclair/linalg";
import type { TableSource } from "./own-data.js";
import { startReading } from "./reading-time.js";
import { TableBuilder, type ColumnType, type ReadColumns, type Table } from "./table-builder.js";
import type { TableFile } from "./table-file.js";
import type { FolderFile } from "./table-files.js";
import { unreadable } from "./unreadable.js";

/** The columns that one of a task's words stands for. */
interface WantedColumns {
  readonly type: ColumnType;
  /** Names of columns; undefined for all columns that no other word names. */
  readonly names: readonly string[] | undefined;
  /** Columns that are not among all others. */
  readonly ignored?: readonly string[];
}

/** The columns that a task reads, by its own words for them. */
type Wanted = Readonly<Record<string, WantedColumns>>;

/** A table with the client of each row, if the data name clients. */
export interface ClientTable {
  readonly table: Table;
  readonly rows: number;
  readonly clients?: Clients;
}

/** The clients that data name. */
export interface Clients {
  /** Names in order: numbers by size, other names by their letters. */
  readonly names: readonly string[];
  /** The client of each row, as an index into `names`. */
  readonly owners: Int32Array;
}

/** Rows after which other things may happen, as a signal that ends this process. */
const rowsOfTurn = 1 << 14;

/** Asks for one column of numbers, or for several as a matrix. */
export function numbers(names: string | readonly string[] | undefined): WantedColumns {
  return { type: "number", names: typeof names === "string" ? [names] : names };
}

/** Asks for columns whose cells may be numbers, texts or missing. */
export function mixed(
  names: readonly string[] | undefined,
  ignored: readonly string[],
): WantedColumns {
  return { type: "mixed", names, ignored };
}

/** Asks for a column of texts. */
export function texts(name: string): WantedColumns {
  return { type: "text", names: [name] };
}

/**
 * Reads columns of a table, or of all tables or images in a folder, into memory.
 * @param source where the table is, or the table itself
 * @param client the column that names the client of each row. In a folder, each table is a client
 * @throws UserError with file and row if the data are not as expected
 */
export async function readTable(
  source: TableSource | TableFile,
  wanted: Wanted,
  client?: string,
): Promise<ClientTable> {
  const signal = startReading();
  const files = await openFiles(source, client, signal);
  const columns = { ...wanted, ...(client !== undefined && { client: texts(client) }) };
  const builder = new TableBuilder(resolveColumns(item(files, 0).file, columns));
  const owners: string[] = [];
  for (const { file, owner } of files) {
    const rows = await addRows(builder, file, signal);
    for (let i = 0; i < rows; i++) if (owner !== undefined) owners.push(owner);
  }
  const table = builder.finish();
  if (table.rows === 0) {
    const path = "read" in source ? source.path : (source.file ?? source.folder ?? "");
    throw new UserError(`source: ${path}: expected at least one row of data`);
  }
  const named = client === undefined ? owners : table.texts("client");
  return { table, rows: table.rows, ...(named.length > 0 && { clients: listClients(named) }) };
}

/** @throws UserError if rows of a folder should name their clients */
async function openFiles(
  source: TableSource | TableFile,
  client: string | undefined,
  signal: AbortSignal,
): Promise<readonly FolderFile[]> {
  if ("read" in source) return [{ file: source }];
  const { file, folder = "" } = source;
  if (file !== undefined) return [{ file: await openTable(file, signal) }];
  if (client === undefined) return await openFolder(folder, signal);
  throw new UserError(
    `source: columns.client = ${client} is for a single file; in a folder, each file is a client: leave it out`,
  );
}

/** Adds all rows of a file. Returns their number. */
async function addRows(
  builder: TableBuilder,
  file: TableFile,
  signal: AbortSignal,
): Promise<number> {
  requireColumns(file, builder.names);
  builder.startFile(file);
  let rows = 0;
  try {
    for await (const row of file.read(builder.names)) {
      builder.add(row);
      if (++rows % rowsOfTurn > 0) continue;
      await new Promise((resolve) => setTimeout(resolve));
      signal.throwIfAborted();
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw unreadable(file.path, error);
  }
  return rows;
}

/** Names the columns of a word that stands for all columns that no other word names. */
function resolveColumns(file: TableFile, wanted: Wanted): Readonly<Record<string, ReadColumns>> {
  const named = new Set(
    Object.values(wanted).flatMap(({ names = [], ignored = [] }) => [...names, ...ignored]),
  );
  // Nested columns count, so that they are not left out without a word.
  const columns = [...file.columns, ...(file.nested ?? [])];
  requireColumns({ ...file, columns, nested: [] }, [...named]);
  const others = columns.filter((name) => !named.has(name));
  return Object.fromEntries(
    Object.entries(wanted).map(([word, { type, names = others }]) => {
      if (names.length > 0) return [word, { type, names }];
      throw new UserError(`source: ${file.path}: expected columns for ${word}, and none is left`);
    }),
  );
}

function requireColumns({ path, columns, nested = [] }: TableFile, names: readonly string[]): void {
  const known = new Set<string>();
  const doubled = new Set(columns.filter((name) => known.size === known.add(name).size));
  for (const name of names) {
    if (doubled.has(name)) {
      throw new UserError(
        `source: ${path} has several columns '${excerpt(name)}': give each a name of its own`,
      );
    }
    if (nested.includes(name)) {
      throw new UserError(
        `source: ${path}: column '${excerpt(name)}' has lists or structs, which cannot be read: write each part as a column of its own, or leave it out of the columns`,
      );
    }
    if (!known.has(name)) throw createMissing(path, columns, name);
  }
}

function createMissing(path: string, columns: readonly string[], name: string): UserError {
  return new UserError(
    `source: ${path} has no column '${excerpt(name)}'${didYouMean(name, columns)}; it has ${excerpt(columns.join(", "))}: name its column under source.columns, or rename it in the file`,
  );
}

function listClients(owners: readonly string[]): Clients {
  const names = sortNames(new Set(owners));
  const indices = new Map(names.map((name, i) => [name, i]));
  return { names, owners: Int32Array.from(owners, (owner) => indices.get(owner) ?? NaN) };
}

/** Sorts names: numbers by size, then other names by their letters. */
export function sortNames(names: ReadonlySet<string>): readonly string[] {
  const rank = (name: string) => (name.trim() === "" ? NaN : Number(name));
  return [...names].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) {
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || Number(a > b) - Number(a < b);
    }
    return x - y || Number(a > b) - Number(a < b);
  });
}
