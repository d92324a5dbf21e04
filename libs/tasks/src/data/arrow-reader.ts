/** The script of the process that decodes Arrow files. */
import { readFile } from "node:fs/promises";
import * as zlib from "node:zlib";
import { errorMessage } from "@fedclair/core/internal";
import {
  CompressionType,
  setCompressionCodec,
  tableFromIPC,
  Type,
  type Codec,
  type Table,
} from "@uwdata/flechette";
import {
  rowsOfAnswer,
  type ColumnarRequest,
  type ColumnarRows,
  type Columns,
} from "./columnar-file.js";
import { decodeLz4Frame } from "./lz4-frame.js";
import { serveReader } from "./serve-reader.js";

/** Types whose values are no single number or text. */
const nested = new Set<number>([
  Type.Binary,
  Type.LargeBinary,
  Type.FixedSizeBinary,
  Type.BinaryView,
  Type.List,
  Type.LargeList,
  Type.FixedSizeList,
  Type.ListView,
  Type.LargeListView,
  Type.Struct,
  Type.Union,
  Type.Map,
]);

/** Dates are rejected as those of Parquet, and large integers are rounded. */
const options = { useDate: true, useBigInt: true };

let last: { readonly path: string; readonly table: Table } | undefined;

serveReader<ColumnarRequest, Columns | ColumnarRows>(
  async ({ path, rows }) => {
    // Read again for a list of columns, because the file may have changed.
    if (!rows || last?.path !== path) {
      last = { path, table: tableFromIPC(new Uint8Array(await readFile(path)), options) };
      requireRows(last.table);
    }
    const { table } = last;
    if (!rows) {
      const names = (isNested: boolean) =>
        table.schema.fields.flatMap(({ name, type }) =>
          nested.has(type.typeId) === isNested ? [(name as string | null) ?? ""] : [],
        );
      return { columns: names(false), nested: names(true), groups: [table.numRows] };
    }
    const count = Math.min(rowsOfAnswer, table.numRows - rows.from);
    const cells = rows.names.map((name) => {
      const column = table.getChild(name);
      return Array.from({ length: count }, (_, i): unknown => column.at(rows.from + i));
    });
    if (rows.from + count === table.numRows) last = undefined;
    return { count, cells };
  },
  ({ path }, error) => {
    const message = errorMessage(error);
    const hint = message.includes("compression codec")
      ? "write it with LZ4 (zstd needs Node.js 22.15 or later)"
      : "write it as an IPC file (pyarrow.feather.write_feather), or as Parquet";
    return `source: ${path}: cannot be read as Arrow: ${message}; ${hint}`;
  },
);

/** Types whose values are in other columns, or need no bytes. */
const withoutBytes = new Set<number>([...nested, Type.Null, Type.RunEndEncoded]);

/**
 * Checks that no column claims more rows than it has bits, or other rows than the first one.
 * @throws Error with the column
 */
function requireRows({ names, children, numRows }: Table): void {
  for (const [k, { type, length, data }] of children.entries()) {
    const buffers = data.flatMap(
      ({ validity, values, offsets }): (ArrayBufferView | undefined)[] => [
        validity,
        values,
        offsets,
      ],
    );
    const bytes = buffers.reduce((sum, buffer) => sum + (buffer?.byteLength ?? 0), 0);
    if (length === numRows && (withoutBytes.has(type.typeId) || length <= 8 * bytes)) continue;
    throw new Error(
      `expected ${numRows} rows in column '${names[k] ?? ""}', got ${length} in ${bytes} bytes`,
    );
  }
}

const decoder = (decode: Codec["decode"]): Codec => ({
  decode,
  encode: () => {
    throw new Error("nothing is written");
  },
});

setCompressionCodec(CompressionType.LZ4_FRAME, decoder(decodeLz4Frame));
/** Node.js 22.15 and later have it. */
const { zstdDecompressSync } = zlib as { readonly zstdDecompressSync?: typeof zlib.gunzipSync };
if (zstdDecompressSync) {
  setCompressionCodec(
    CompressionType.ZSTD,
    decoder((bytes, length) => zstdDecompressSync(bytes, { maxOutputLength: length })),
  );
}
