import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { mock } from "node:test";
import { deflateSync, gzipSync } from "node:zlib";
import { UserError } from "@fedclair/core";
import { indices } from "@fedclair/linalg";
import { columnFromArray, tableFromColumns, tableToIPC } from "@uwdata/flechette";
import { encode } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import { gunzip } from "./gunzip.js";
import { decodeLz4Frame } from "./lz4-frame.js";
import { mixed, numbers, readTable, sortNames, texts } from "./table.js";
import { idx, npy } from "../../testing/array-files.js";
import { insertChunk, parquetOfRun, withPixels } from "../../testing/hostile-files.js";

const wanted = { score: numbers("score"), group: texts("group") };

describe("reading tables", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-tables-"));
  });
  after(() => rm(root, { recursive: true }));

  async function write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return path;
  }

  async function read(name: string, content: string | Uint8Array, client?: string) {
    const { table, clients } = await readTable(
      { file: await write(name, content) },
      wanted,
      client,
    );
    return {
      score: [...table.numbers("score")],
      group: table.texts("group"),
      ...(clients && { names: clients.names, owners: [...clients.owners] }),
    };
  }

  async function assertRejected(reading: Promise<unknown>, message: RegExp) {
    await assert.rejects(
      reading,
      (error) => error instanceof UserError && message.test(error.message),
      String(message),
    );
  }

  const expected = { score: [1.5, -2, 300], group: ["a", "b, c", "a"] };

  it("reads the same rows from CSV, TSV and JSONL, plain and gzipped", async () => {
    const csv = '\ufeffgroup, score,other\r\na,1.5,x\r\n"b, c",-2,\r\n\r\na,3e2,x\r\n';
    assert.deepEqual(await read("a.csv", csv), expected);
    assert.deepEqual(await read("a.csv.gz", gzipSync(csv)), expected);
    assert.deepEqual(await read("semi.csv", "score;group\n1.5;a\n-2;b, c\n300;a\n"), expected);
    assert.deepEqual(await read("a.tsv", "group\tscore\na\t1.5\nb, c\t-2\na\t300"), expected);
    const lines = ['{"score":1.5,"group":"a"}', '{"group":"b, c","score":-2}', ""];
    const jsonl = [...lines, '{"score":"3e2","group":"a","more":[]}'].join("\n");
    assert.deepEqual(await read("a.jsonl", jsonl), expected);
    assert.deepEqual(await read("a.jsonl.gz", gzipSync(`\ufeff${jsonl}`)), expected);
  });

  it("reads Parquet, one row group after another", async () => {
    const columnData = [
      { name: "unused", type: "JSON" as const, data: [{}, [], null] },
      { name: "group", type: "STRING" as const, data: ["a", "b, c", "a"] },
      { name: "score", type: "DOUBLE" as const, data: [1.5, -2, 300] },
      { name: "class", type: "INT64" as const, data: [3n, 1n, 2n] },
      { name: "day", type: "TIMESTAMP" as const, data: [0, 1, 2].map((ms) => new Date(ms)) },
    ];
    const file = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
    assert.deepEqual(await read("a.parquet", file), expected);
    const { table } = await readTable({ file: join(root, "a.parquet") }, { x: numbers("class") });
    assert.deepEqual([...table.numbers("x")], [3, 1, 2]);
    assert.match(table.place(2), /a\.parquet, row 3$/);
    await assertRejected(
      readTable({ file: join(root, "a.parquet") }, { x: numbers("day") }),
      /column 'day': expected a number, got .*; dates are not read: write the column as/,
    );
  });

  it("reads Arrow files, and rejects nested columns unless they are left out", async () => {
    const columns = {
      group: columnFromArray(["a", "b, c", "a"]),
      score: columnFromArray([1.5, -2, 300]),
      nested: columnFromArray([[1], [2], [3]]),
      day: columnFromArray([0, 1, 2].map((ms) => new Date(ms))),
      long: columnFromArray([2n ** 60n, 1n, 2n]),
    };
    const file = tableToIPC(tableFromColumns(columns), { format: "file" });
    assert.ok(file);
    assert.deepEqual(await read("a.arrow", file), expected);
    assert.deepEqual(await read("a.feather", file), expected);
    const source = { file: join(root, "a.arrow") };
    const isNested = /a\.arrow: column 'nested' has lists or structs, which cannot be read/;
    await assertRejected(readTable(source, { x: numbers("nested") }), isNested);
    const others = (ignored: readonly string[]) =>
      readTable(source, { x: mixed(undefined, ignored) });
    await assertRejected(others([]), isNested);
    await assertRejected(others(["nested"]), /'day': expected .*; dates are not read/);
    assert.equal((await others(["nested", "day"])).rows, 3);
    const { table } = await readTable(source, { x: numbers("long") });
    assert.deepEqual([...table.numbers("x")], [2 ** 60, 1, 2]);
  });

  it("decodes frames of LZ4, and no more than they say", () => {
    // Python: pyarrow.compress(b"federated " * 20 + bytes(range(40)), codec="lz4")
    const frame = Buffer.from(
      "BCJNGGBAgjgAAACvZmVkZXJhdGVkIAoAq/AZAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJwAAAAA=",
      "base64",
    );
    const bytes = Buffer.concat([
      Buffer.from("federated ".repeat(20)),
      Uint8Array.from({ length: 40 }, (_, i) => i),
    ]);
    assert.deepEqual(Buffer.from(decodeLz4Frame(frame, 240)), bytes);
    assert.throws(() => decodeLz4Frame(frame, 239));
    assert.throws(
      () => decodeLz4Frame(frame, 241),
      /expected 241 bytes in a frame of LZ4, got 240/,
    );
    assert.throws(() => decodeLz4Frame(frame.subarray(0, 40), 240), /a block of LZ4 is cut off/);
    const lying = Uint8Array.from(frame);
    lying[23] = 99; // a copy from before the beginning
    assert.throws(() => decodeLz4Frame(lying, 240), /copies bytes that it does not have/);
  });

  it("takes cells that may be numbers, texts or missing", async () => {
    const file = await write("mixed.csv", "x,y\n1,a\n?,2\n n/a ,NaN\n-3e2,true\n");
    const { table } = await readTable({ file }, { all: mixed(undefined, []) });
    const cells = table.mixed("all");
    assert.deepEqual([...cells.numbers], [1, NaN, NaN, 2, NaN, NaN, -300, NaN]);
    assert.deepEqual(
      [0, 1, 2, 5, 7].map((position) => cells.text(position)),
      [undefined, "a", undefined, undefined, "true"],
    );
    const some = await readTable({ file }, { all: mixed(undefined, ["y"]) });
    assert.deepEqual(some.table.names("all"), ["x"]);
  });

  it("names the clients of a column or of a folder's files", async () => {
    const csv = "score,group,school\n1,a,10\n2,a,9\n3,b,10\n4,b,x\n";
    const { names, owners } = await read("schools.csv", csv, "school");
    assert.deepEqual(
      [names, owners],
      [
        ["9", "10", "x"],
        [1, 0, 1, 2],
      ],
    );
    await write("schools/b.csv", "score,group\n1,a\n2,b\n");
    await write("schools/a.jsonl", '{"group":"a","score":7}\n');
    await write("schools/.hidden.csv", "");
    const { table, clients } = await readTable({ folder: join(root, "schools") }, wanted);
    assert.deepEqual([...table.numbers("score")], [7, 1, 2]);
    assert.deepEqual(
      [clients?.names, [...(clients?.owners ?? [])]],
      [
        ["a", "b"],
        [0, 1, 1],
      ],
    );
    assert.match(table.place(2), /schools.b\.csv, line 3$/);
  });

  it("reads all columns that are not named otherwise", async () => {
    const file = await write("wide.csv", "id,x,y,z\n1,2,3,4\n5,6,7,8\n");
    const { table } = await readTable({ file }, { id: texts("id"), rest: numbers(undefined) });
    assert.deepEqual(table.names("rest"), ["x", "y", "z"]);
    assert.deepEqual([...table.numbers("rest")], [2, 3, 4, 6, 7, 8]);
  });

  it("reads arrays of NumPy and IDX, and PNG images, as one row per entry", async () => {
    const bytes = Uint8Array.from({ length: 8 }, (_, i) => 10 * i);
    const all = { pixels: numbers(undefined) };
    const rows = async (source: object) => {
      const { table, clients } = await readTable(source, all);
      return { rows: table.rows, pixels: [...table.numbers("pixels")], names: clients?.names };
    };
    const same = { rows: 2, pixels: [...bytes], names: undefined };
    const halves = npy("<f8", "2, 2, 2", Float64Array.from(bytes));
    assert.deepEqual(await rows({ file: await write("a.npy", halves) }), same);
    const images = await write("images-idx3-ubyte.gz", gzipSync(idx([2, 2, 2], bytes)));
    assert.deepEqual(await rows({ file: images }), same);
    const png = (data: Uint8Array, channels: number) =>
      encode({ width: 2, height: 2, channels, data });
    await write("flat/1.png", png(bytes.subarray(0, 4), 1));
    await write("flat/2.png", png(bytes.subarray(4), 1));
    assert.deepEqual(await rows({ folder: join(root, "flat") }), same);
    await write("by/ada/1.png", png(bytes.subarray(0, 4), 1));
    // Transparency is dropped.
    const withAlpha = Uint8Array.from([40, 1, 50, 2, 60, 3, 70, 4]);
    await write("by/bob/1.png", png(withAlpha, 2));
    assert.deepEqual(await rows({ folder: join(root, "by") }), { ...same, names: ["ada", "bob"] });
    await write(
      "flat/3.png",
      encode({ width: 4, height: 1, channels: 1, data: bytes.subarray(4) }),
    );
    await assertRejected(
      rows({ folder: join(root, "flat") }),
      /3\.png has 1×4×1 numbers, .*1\.png 2×2×1/,
    );
  });

  it("says what to change in arrays and Parquet files that it does not read", async () => {
    const rejects = async (name: string, content: Uint8Array, message: RegExp) => {
      const file = await write(name, content);
      await assertRejected(readTable({ file }, { all: numbers(undefined) }), message);
    };
    await rejects(
      "nan.npy",
      npy("<f8", "2, 1", Float64Array.of(1, NaN)),
      /nan\.npy, row 2: column '0': expected a number, got 'NaN'/,
    );
    await rejects(
      "shape.npy",
      npy("<f8", "2 1, 1", Float64Array.of(1, 2)),
      /shape\.npy: expected NumPy's format/,
    );
    const columns = Buffer.from(npy("<f8", "2, 1", Float64Array.of(1, 2)));
    columns.write("True ", columns.indexOf("False"), "latin1");
    await rejects("fortran.npy", columns, /got columns .*: save numpy\.ascontiguousarray of it/);
    const written = parquetWriteBuffer({
      columnData: [{ name: "x", data: [1, 2] }],
      codec: "LZ4",
      compressors: { LZ4: (bytes) => bytes },
    });
    await rejects(
      "lz4.parquet",
      new Uint8Array(written),
      /compression codec.*; write it with Snappy/,
    );
  });

  it("names file, row, column and remedy of a fault", async () => {
    const rejects = (name: string, content: string | Uint8Array, message: RegExp) =>
      assertRejected(read(name, content), message);
    const head = "score,group\n1,a\n";
    await rejects(
      "f.csv",
      `${head}x,a\n`,
      /f\.csv, line 3: column 'score': expected a number, got 'x'; correct/,
    );
    await rejects("f.csv", `${head},a\n`, /line 3: column 'score': expected a number, got nothing/);
    await rejects("f.csv", `${head}Infinity,a\n`, /line 3: column 'score': expected a number/);
    await rejects("f.csv", `${head}1, \n`, /line 3: column 'group': expected a text, got nothing/);
    await rejects(
      "f.csv",
      `${head}1,a,b\n`,
      /f\.csv, line 3: expected as many cells as in the first row, got 3/,
    );
    await rejects("f.csv", `${head}1,"a\n`, /f\.csv, row 2: a quoted cell is never closed/);
    await rejects("f.csv", "score,group,score\n1,a,2\n", /f\.csv has several columns 'score'/);
    await rejects(
      "f.csv",
      "scores,group\n1,a\n",
      /no column 'score', did you mean 'scores'\?; it has scores, group/,
    );
    await rejects("f.csv", "score,group\n", /expected at least one row/);
    await rejects("f.csv", "", /expected a first row with names of columns/);
    await rejects(
      "f.jsonl",
      '{"score":1,"group":"a"}\n{"score":1}\n',
      /f\.jsonl, line 2: column 'group': expected a text/,
    );
    await rejects(
      "f.jsonl",
      '{"score":1,"group":"a"}\n[1]\n',
      /f\.jsonl, line 2: expected a JSON object, got '\[1\]'/,
    );
    const nested = `${"[".repeat(1e5)}${"]".repeat(1e5)}`;
    await rejects(
      "f.jsonl",
      `{"score":${nested},"group":"a"}\n`,
      /f\.jsonl, line 1: column 'score': expected a number, got '\[…\]'/,
    );
    await rejects("f.jsonl", "", /expected one JSON object per line/);
    await rejects("f.parquet", "PAR1", /f\.parquet: cannot be read as Parquet/);
    await rejects("f.csv.gz", "score", /f\.csv\.gz: expected gzip: incorrect header check/);
    await rejects("f.xlsx", "", /f\.xlsx: expected a file whose name ends in \.csv, /);
    await rejects("f.arrow", "ARROW1", /f\.arrow: cannot be read as Arrow/);
    await rejects("f.parquet.gz", "", /expected a file whose name ends/);
    await assertRejected(
      readTable({ file: join(root, "none.csv") }, wanted),
      /cannot read .*none\.csv: it does not exist$/,
    );
    const fetched = join(root, "runs", "federations");
    for (const source of [{ file: join(fetched, "none.csv") }, { folder: join(fetched, "none") }]) {
      await assertRejected(
        readTable(source, wanted),
        /none.*: it does not exist: fetch the data by npm run lab -- federations$/,
      );
    }
    await assertRejected(readTable({ file: root }, wanted), /expected a file/);
    // As /proc/kmsg, which would block its reader for ever.
    const [kernel, link] = ["/proc/self/environ", join(root, "kernel.csv")];
    if (existsSync(kernel)) {
      await symlink(kernel, link);
      await assertRejected(
        readTable({ file: link }, wanted),
        /kernel\.csv: expected a file of data, got one of the kernel/,
      );
    }
    await assertRejected(
      readTable({ folder: join(root, "none") }, wanted),
      /cannot read the folder/,
    );
    await mkdir(join(root, "empty"));
    await assertRejected(
      readTable({ folder: join(root, "empty") }, wanted),
      /empty holds no table and no image/,
    );
    await assertRejected(
      readTable({ folder: join(root, "schools") }, wanted, "school"),
      /columns\.client = school is for a single file/,
    );
  });
});

describe("tables and images that others may have made", () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-hostile-"));
  });
  after(() => rm(root, { recursive: true }));

  async function assertRejected(name: string, content: Uint8Array, message: RegExp) {
    const folder = join(root, String(content.length));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), content);
    const isImage = name.endsWith(".png");
    await assert.rejects(
      readTable(isImage ? { folder } : { file: join(folder, name) }, { x: numbers(undefined) }),
      (error) => error instanceof UserError && message.test(error.message),
    );
  }

  it("end the process that reads them, not this one, if they take too much memory", async () => {
    await assertRejected(
      "run.parquet",
      parquetOfRun(2 ** 31 - 1),
      /run\.parquet: expected to be read with at most 2 GiB of memory, and it needs more/,
    );
    await writeFile(join(root, "few.parquet"), parquetOfRun(8));
    const { rows } = await readTable({ file: join(root, "few.parquet") }, { x: numbers("x") });
    assert.equal(rows, 8);
  }).timeout(60_000);

  it("are rejected if they unpack to more than their size says", async () => {
    const image = encode({ width: 2, height: 2, data: new Uint8Array(4), channels: 1, depth: 8 });
    const bomb = deflateSync(Buffer.alloc(1 << 26));
    await assertRejected(
      "bomb.png",
      withPixels(image, bomb),
      /bomb\.png: expected its pixels to unpack to at most 36 bytes, as its size says/,
    );
    const large = Buffer.from(image.subarray(16, 29));
    large.writeUInt32BE(2 ** 24); // the width of a second header
    await assertRejected(
      "twice.png",
      insertChunk(image, "IHDR", large),
      /twice\.png: expected one header, at the beginning of the image/,
    );
    const empty = Buffer.from("\0\0\0\0tEXt\0\0\0\0", "latin1");
    await assertRejected(
      "parts.png",
      Buffer.concat([image, ...Array.from({ length: 10_000 }, () => empty)]),
      /parts\.png: expected at most 10000 parts \(chunks\), got more/,
    );
    const profile = Buffer.concat([Buffer.from("p\0\0"), bomb]);
    const folder = join(root, "profile");
    await mkdir(folder);
    await writeFile(join(folder, "1.png"), insertChunk(image, "iCCP", profile));
    assert.equal((await readTable({ folder }, { x: numbers(undefined) })).rows, 1);
    const zipped = gzipSync(Buffer.alloc(2 ** 28 + 1), { level: 1 });
    const drain = async () => {
      for await (const piece of gunzip("zeros.gz", Readable.from([zipped]), zipped.length))
        assert.ok(piece);
    };
    await assert.rejects(
      drain(),
      /zeros\.gz: expected at most 268435456 bytes when it is unzipped, as it has \d+/,
    );
  }).timeout(60_000);

  it("are read in time or not at all, whatever their format", async () => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    const clock = mock.method(AbortSignal, "timeout", () => timeout(50));
    try {
      const message = /slow.*: expected data that are read within 45 s, and these take longer/;
      const lines = Buffer.from(`x\n${"1\n".repeat(400_000)}`);
      await assertRejected("slow.csv", lines, message);
      await assertRejected("slow.csv.gz", gzipSync(lines), message);
      await assertRejected("slow.jsonl", Buffer.from('{"x":1}\n'.repeat(400_000)), message);
      await assertRejected("blank.slow.jsonl.gz", gzipSync(Buffer.alloc(1 << 26, "\n")), message);
      await assertRejected("slow.npy", npy("<f8", "2000000, 1", new Float64Array(2e6)), message);
      await assertRejected("slow.parquet", parquetOfRun(2 ** 31 - 1), message);
      const image = encode({ width: 512, height: 512, data: new Uint8Array(1 << 18), channels: 1 });
      const folder = join(root, "slow-images");
      await mkdir(folder);
      await Promise.all(indices(40).map((i) => writeFile(join(folder, `${i}.png`), image)));
      await assert.rejects(readTable({ folder }, { x: numbers(undefined) }), message);
    } finally {
      clock.mock.restore();
    }
  }).timeout(60_000);

  it("are rejected if their footer is nested without end", async () => {
    const nested = Buffer.alloc(60_000, 0x1c); // each byte begins another struct
    const size = Buffer.alloc(4);
    size.writeUInt32LE(nested.length);
    const file = Buffer.concat([Buffer.from("PAR1"), nested, size, Buffer.from("PAR1")]);
    const message =
      /nested\.parquet: cannot be read as Parquet: its footer is nested too deep; write it again/;
    await assertRejected("nested.parquet", file, message);
  }).timeout(60_000);

  it("are rejected if an Arrow file claims more rows than it has bytes for", async () => {
    const columns = { x: columnFromArray(Array.from({ length: 1013 }, (_, i) => i / 3)) };
    const file = Buffer.from(tableToIPC(tableFromColumns(columns), { format: "file" }) ?? []);
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(1013n);
    for (let at = file.indexOf(count); at >= 0; at = file.indexOf(count, at)) {
      file.writeBigUInt64LE(2n ** 40n, at);
    }
    const message =
      /rows\.arrow: .*expected 1099511627776 rows in column 'x', got .* in 8\d+ bytes/;
    await assertRejected("rows.arrow", file, message);
  });

  it("are rejected if they have too many columns", async () => {
    const names = Array.from({ length: 300_000 }, (_, i) => i.toString(36));
    const message = /wide\.csv: expected at most 262144 columns, got 300000/;
    await assertRejected("wide.csv", Buffer.from(`${names.join()}\n`), message);
  });
});

describe("sortNames", () => {
  it("sorts numbers by size and before other names", () => {
    assert.deepEqual(sortNames(new Set(["b", "10", "9.5", "a", "-1"])), [
      "-1",
      "9.5",
      "10",
      "a",
      "b",
    ]);
  });
});
