/*
 * Files that claim more than they hold, from the definitions of their formats.
 */

/** The types of Thrift's compact protocol that Parquet needs here. */
const types = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 };

type Field = readonly [id: number, type: keyof typeof types, bytes: readonly number[]];

/** Returns a Parquet file with 8 rows of a column `x`, whose only run claims `length` values. */
export function parquetOfRun(length: number): Uint8Array {
  const [rows, float, dictionaryEncoding, rle] = [8, 4, 8, 3];
  const entry = [0, 0, 0, 0];
  const dictionary = struct([
    [1, "i32", zigzag(2)],
    [2, "i32", zigzag(entry.length)],
    [3, "i32", zigzag(entry.length)],
    [7, "struct", struct([[1, "i32", zigzag(1)], [2, "i32", zigzag(0)]])], // oxfmt-ignore
  ]);
  const run = [1, ...varint(2 * length), 0];
  const page = struct([
    [1, "i32", zigzag(0)],
    [2, "i32", zigzag(run.length)],
    [3, "i32", zigzag(run.length)],
    [
      5,
      "struct",
      struct([
        [1, "i32", zigzag(rows)],
        [2, "i32", zigzag(dictionaryEncoding)],
        [3, "i32", zigzag(rle)],
        [4, "i32", zigzag(rle)],
      ]),
    ],
  ]);
  const magic = [...Buffer.from("PAR1")];
  const chunk = [...dictionary, ...entry, ...page, ...run];
  const pageAt = magic.length + dictionary.length + entry.length;
  const column = struct([
    [2, "i64", zigzag(pageAt)],
    [
      3,
      "struct",
      struct([
        [1, "i32", zigzag(float)],
        [2, "list", list("i32", [zigzag(dictionaryEncoding)])],
        [3, "list", list("binary", [text("x")])],
        [4, "i32", zigzag(0)],
        [5, "i64", zigzag(rows)],
        [6, "i64", zigzag(chunk.length)],
        [7, "i64", zigzag(chunk.length)],
        [9, "i64", zigzag(pageAt)],
        [11, "i64", zigzag(magic.length)],
      ]),
    ],
  ]);
  const group = struct([
    [1, "list", list("struct", [column])],
    [2, "i64", zigzag(chunk.length)],
    [3, "i64", zigzag(rows)],
  ]);
  const root = struct([[4, "binary", text("schema")], [5, "i32", zigzag(1)]]); // oxfmt-ignore
  const leaf = struct([
    [1, "i32", zigzag(float)],
    [3, "i32", zigzag(0)],
    [4, "binary", text("x")],
  ]);
  const footer = struct([
    [1, "i32", zigzag(1)],
    [2, "list", list("struct", [root, leaf])],
    [3, "i64", zigzag(rows)],
    [4, "list", list("struct", [group])],
  ]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(footer.length);
  return Uint8Array.from([...magic, ...chunk, ...footer, ...size, ...magic]);
}

function varint(value: number): number[] {
  const bytes = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return [...bytes, rest];
}

function zigzag(value: number): number[] {
  return varint(2 * value);
}

function text(value: string): number[] {
  return [...varint(value.length), ...Buffer.from(value)];
}

function list(type: keyof typeof types, items: readonly (readonly number[])[]): number[] {
  return [16 * items.length + types[type], ...items.flat()];
}

function struct(fields: readonly Field[]): number[] {
  let last = 0;
  const bytes = fields.flatMap(([id, type, content]) => {
    const head = 16 * (id - last) + types[type];
    last = id;
    return [head, ...content];
  });
  return [...bytes, 0];
}

/** Where the first chunk of a PNG file ends, which is its header. */
const headerEnd = 33;

/** Inserts a chunk after the header of a PNG file. */
export function insertChunk(image: Uint8Array, type: string, data: Uint8Array): Uint8Array {
  const [chunk, size] = [Buffer.alloc(12 + data.length), data.length];
  chunk.writeUInt32BE(size);
  chunk.write(type, 4, "latin1");
  chunk.set(data, 8);
  return Buffer.concat([image.subarray(0, headerEnd), chunk, image.subarray(headerEnd)]);
}

/** Replaces the pixels of a PNG file by other packed data. */
export function withPixels(image: Uint8Array, packed: Uint8Array): Uint8Array {
  const end = Buffer.from([0, 0, 0, 0, ...Buffer.from("IEND"), 0, 0, 0, 0]);
  return Buffer.concat([insertChunk(image.subarray(0, headerEnd), "IDAT", packed), end]);
}
