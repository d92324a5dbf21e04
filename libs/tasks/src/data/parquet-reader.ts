/** The script of the process that decodes Parquet files. */
import { open } from "node:fs/promises";
import * as zlib from "node:zlib";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import {
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type AsyncBuffer,
  type Compressors,
  type DecodedArray,
  type FileMetaData,
} from "hyparquet";
import {
  rowsOfAnswer,
  type ColumnarRequest,
  type ColumnarRows,
  type Columns,
} from "./columnar-file.js";
import { serveReader } from "./serve-reader.js";
import { largestTable } from "./table-file.js";

/** The most rows of a row group, which is in memory at once. */
const largestGroup = 1 << 22;

/** The columns of a row group in memory, so that its rows can be sent in pieces. */
interface Group {
  /** The file, the group and the names of the columns. */
  readonly key: string;
  readonly columns: readonly ArrayLike<unknown>[];
}

let metadataOf: { readonly path: string; readonly metadata: FileMetaData } | undefined;
let last: Group | undefined;

serveReader<ColumnarRequest, Columns | ColumnarRows>(
  async ({ path, rows }) => {
    if (!rows) return listColumns(await readMetadata(path, true));
    const { names, group, from } = rows;
    const key = JSON.stringify([path, group, names]);
    if (last?.key !== key) last = { key, columns: await readGroup(path, group, names) };
    const { columns } = last;
    const total = Number((await readMetadata(path)).row_groups[group]?.num_rows ?? 0);
    const to = Math.min(total, from + rowsOfAnswer);
    const cells = columns.map((column) => slice(column, from, to));
    if (to === total) last = undefined;
    return { count: to - from, cells };
  },
  ({ path }, error) => {
    const isNested = error instanceof RangeError && error.message.includes("call stack");
    const message = isNested ? "its footer is nested too deep" : errorMessage(error);
    const hint = message.includes("compression codec")
      ? "write it with Snappy (zstd needs Node.js 22.15 or later)"
      : "write it again";
    return `source: ${path}: cannot be read as Parquet: ${message}; ${hint}`;
  },
);

/** @param isFirst reads it again, because the file may have changed */
async function readMetadata(path: string, isFirst = false): Promise<FileMetaData> {
  if (isFirst || metadataOf?.path !== path) {
    metadataOf = { path, metadata: await withFile(path, (file) => parquetMetadataAsync(file)) };
  }
  return metadataOf.metadata;
}

function listColumns(metadata: FileMetaData): Columns {
  const { children: fields } = parquetSchema(metadata);
  const names = (isNested: boolean) =>
    fields.flatMap(({ children, element }) =>
      children.length > 0 === isNested ? [element.name] : [],
    );
  const groups = metadata.row_groups.map(({ num_rows: count }) => Number(count));
  return { columns: names(false), nested: names(true), groups };
}

/** Decodes the columns of a row group. */
async function readGroup(
  path: string,
  group: number,
  names: readonly string[],
): Promise<readonly ArrayLike<unknown>[]> {
  const metadata = await readMetadata(path);
  const counts = listColumns(metadata).groups;
  const [count = 0, most] = [counts[group], Math.min(largestGroup, largestTable / names.length)];
  if (count > most) {
    throw new UserError(
      `source: ${path}: expected row groups of at most ${Math.floor(most)} rows, got ${count}; write it again with smaller ones`,
    );
  }
  const rowStart = counts.slice(0, group).reduce((sum, rows) => sum + rows, 0);
  const chunks = new Map(names.map((name): [string, DecodedArray[]] => [name, []]));
  await withFile(path, (file) =>
    parquetRead({
      file,
      metadata,
      columns: [...names],
      rowStart,
      rowEnd: rowStart + count,
      compressors,
      onChunk: ({ columnName, columnData }) => chunks.get(columnName)?.push(columnData),
    }),
  );
  return [...chunks.values()].map((parts) => concatenate(parts, count));
}

/** Joins the chunks of a column. @throws Error if they have fewer or more cells than rows */
function concatenate(parts: readonly DecodedArray[], rows: number): ArrayLike<unknown> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length !== rows) throw new Error(`expected ${rows} values of a column, got ${length}`);
  const [first] = parts;
  if (parts.length === 1 && first) return first;
  return parts.flatMap((part) => Array.from<unknown>(part));
}

function slice(column: ArrayLike<unknown>, from: number, to: number): ArrayLike<unknown> {
  return (column as unknown[]).slice(from, to);
}

/** Node.js 22.15 and later have it. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: typeof zlib.gunzipSync };

/**
 * Codecs that Node.js has, in addition to Snappy, which is part of hyparquet. A page that unzips to
 * more than it says is rejected.
 */
const compressors: Compressors = {
  GZIP: (bytes, length) => zlib.gunzipSync(bytes, { maxOutputLength: length }),
  BROTLI: (bytes, length) => zlib.brotliDecompressSync(bytes, { maxOutputLength: length }),
  ...(zstdDecompressSync && {
    ZSTD: (bytes: Uint8Array, length: number) =>
      zstdDecompressSync(bytes, { maxOutputLength: length }),
  }),
};

/** Runs an action on the bytes of a file. */
async function withFile<T>(path: string, act: (file: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return await act({
      byteLength: size,
      slice: async (start, end = size) => {
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
        await handle.read(bytes, 0, bytes.length, start);
        return bytes.buffer;
      },
    });
  } finally {
    await handle.close();
  }
}
