import { open } from "node:fs/promises";
import * as zlib from "node:zlib";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";
import {
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
} from "hyparquet";
import type { Row, TableFile } from "./table-file.js";

/** The most rows of a row group, which is in memory at once. */
const largestGroup = 1 << 22;

/** Opens a Parquet file. Columns of nested types are not listed. */
export async function openParquet(path: string): Promise<TableFile> {
  const metadata = await withFile(path, (file) => parquetMetadataAsync(file));
  const columns = parquetSchema(metadata).children.flatMap(({ children, element }) =>
    children.length > 0 ? [] : [element.name],
  );
  return { path, unit: "row", columns, read: (names) => readRows(path, metadata, names) };
}

/** Reads one row group after another. */
async function* readRows(
  path: string,
  metadata: FileMetaData,
  names: readonly string[],
): AsyncGenerator<Row> {
  let number = 0;
  for (const { num_rows: count } of metadata.row_groups) {
    if (count > largestGroup) {
      throw new UserError(
        `source: ${path}: expected row groups of at most ${largestGroup} rows, got ${count}; write it again with smaller ones`,
      );
    }
    const [rowStart, rowEnd] = [number, number + Number(count)];
    const rows = await withFile(path, (file) =>
      parquetReadObjects({ file, metadata, columns: [...names], rowStart, rowEnd, compressors }),
    );
    for (const row of rows)
      yield { number: ++number, cells: names.map((name): unknown => row[name]) };
  }
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

/** Runs an action on the bytes of a file. @throws UserError if the file is not Parquet */
async function withFile<T>(path: string, act: (file: AsyncBuffer) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    return await act({
      byteLength: size,
      slice: async (start, end = size) => {
        const bytes = new Uint8Array(Math.max(0, end - start));
        await handle.read(bytes, 0, bytes.length, start);
        return bytes.buffer;
      },
    });
  } catch (error) {
    const message = errorMessage(error);
    const hint = message.includes("compression codec")
      ? "; write it with Snappy (zstd needs Node.js 22.15 or later)"
      : "";
    throw new UserError(`source: ${path}: cannot be read as Parquet: ${message}${hint}`);
  } finally {
    await handle.close();
  }
}
