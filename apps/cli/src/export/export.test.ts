import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import type { ClientRecord } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { linkTimings, type ArmRecord, type ArmTiming } from "@fedclair/runs";
import fc from "fast-check";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import protobuf from "protobufjs/minimal.js";
import { writeCsv } from "./csv.js";
import { crc32c, tfRecord } from "./event-file.js";
import { exportRun, type ExportOptions } from "./export.js";
import { writeParquet } from "./parquet.js";
import { computeScalars } from "../results/rounds.js";
import { maxMetricColumns, createTables, type ExportCell, type ExportTable } from "./tables.js";

const failure = { code: "HOST_LOST", message: "gone, \u001b[2J" } as const;
const clients: ClientRecord[] = [
  {
    clientId: "c0",
    attack: null,
    failure: null,
    numExamples: 8,
    train: { loss: 1 },
    verdict: "benign",
    score: 0.5,
    threshold: 2,
    evaluation: { "a,c": 0.25 },
  },
  {
    clientId: "c1",
    attack: null,
    failure: null,
    numExamples: 4,
    train: { loss: 2 },
    verdict: "contaminated",
    score: 3,
    threshold: 2,
    evaluation: { "a,c": 0.75 },
  },
  {
    clientId: "c2",
    attack: "toy-shift",
    failure: null,
    train: { loss: 90, "=own": 7 },
    verdict: "contaminated",
    score: 9,
    threshold: 2,
    reason: 'says "no"',
  },
  { clientId: "c3", attack: null, failure },
];
const seconds = { sample: 0.125, train: 1, aggregate: 0.5, evaluate: 0.25 };
const counted = { bytesSent: 700, bytesReceived: 300 };
const wire = { ...counted, encodeSeconds: 0.75, decodeSeconds: 1.5, workSeconds: 3, hostMemory: 4 };

function createRecord(arm: string, round: number): ArmRecord {
  const metrics = { gap: round / 4, broken: null as unknown as number };
  return { arm, round, phase: "train", clients, metrics, bytes: { down: 100, up: 40 } };
}

function createTiming(arm: string, round: number): ArmTiming {
  return { arm, round, seconds, writeSeconds: 2, chain: "", coordinatorRss: 1000, wire };
}

/** Two rounds of one arm, and one of another whose label is not a valid folder name. */
const rounds: [string, number][] = [
  ["toy-mean", 1],
  ["toy-mean", 2],
  ["../=b", 1],
];

const scalars: [string, number][] = [
  ["clients/sampled", 4],
  ["clients/failed", 1],
  ["clients/lost", 1],
  ["clients/flagged", 2],
  ["bytes/down", 100],
  ["bytes/up", 40],
  ["seconds/sample", 0.125],
  ["seconds/train", 1],
  ["seconds/aggregate", 0.5],
  ["seconds/evaluate", 0.25],
  ["seconds/write", 2],
  ["memory/coordinator", 1000],
  ["wire/sent", 700],
  ["wire/received", 300],
  ["wire/encodeSeconds", 0.75],
  ["wire/decodeSeconds", 1.5],
  ["wire/workSeconds", 3],
  ["wire/hostMemory", 4],
  ["detection/recall", 1],
  ["detection/falseAlarms", 1],
  ["train/loss", 1.5],
  ["evaluation/a,c", 0.5],
];

const failOnWarning = (text: string) => assert.fail(text);
const wallTime = Date.UTC(2026, 0, 1) / 1000;

describe("export", () => {
  let root: string;
  let run: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "fedclair-"));
    run = join(root, "run");
    await mkdir(run);
    await writeRun(rounds.map(([arm, round]) => createRecord(arm, round)));
  });
  afterEach(() => rm(root, { recursive: true }));

  async function writeRun(
    records: readonly ArmRecord[],
    timings = records.map(({ arm, round }) => createTiming(arm, round)),
  ): Promise<void> {
    const lines = (values: readonly object[]) =>
      values.map((value) => JSON.stringify(value) + "\n");
    const linked = (await linkTimings("0", lines(records), timings)).timings;
    const written = [...linked.slice(0, timings.length), ...timings.slice(records.length)];
    const info = { hash: "0", version: "0", started: "2026-01-01T00:00:00.000Z" };
    await writeFile(join(run, "run.json"), JSON.stringify({ ...info, backend: "wasm" }));
    await writeFile(join(run, "trial.yaml"), JSON.stringify(toyTrial()));
    await writeFile(
      join(run, "summary.json"),
      JSON.stringify({ arms: [], stopped: {}, measures: {}, details: [] }),
    );
    await writeFile(join(run, "records.jsonl"), lines(records).join(""));
    await writeFile(join(run, "timings.jsonl"), lines(written).join(""));
  }

  const out = () => join(root, "out");

  it("computes the numbers of a round, with means over clients that are not contaminated", () => {
    const round = { record: createRecord("a", 2), timing: createTiming("a", 2), elapsed: 0 };
    assert.deepEqual([...computeScalars(round)], [...scalars, ["global/gap", 0.5]]);
  });

  it("omits wire times in memory", () => {
    const timing = {
      arm: "a",
      round: 1,
      seconds,
      writeSeconds: 2,
      chain: "",
      coordinatorRss: 1000,
    };
    const names = [...computeScalars({ record: createRecord("a", 1), timing, elapsed: 0 }).keys()];
    assert.deepEqual(
      names.filter((name) => /^(seconds|wire)\//.test(name)),
      ["seconds/sample", "seconds/train", "seconds/aggregate", "seconds/evaluate", "seconds/write"],
    );
  });

  it("has a column for a mod's metric", async () => {
    const [client] = clients;
    assert.ok(client);
    const withMod = { ...client, mods: { private: { epsilon: 2.5 } } };
    await writeRun([{ ...createRecord("a", 1), clients: [withMod, client] }]);
    const [{ columns, rows }] = await createTables([{ folder: run, cells: [] }], [], failOnWarning);
    const at = columns.findIndex(({ name }) => name === "private/epsilon");
    const cells = [];
    for await (const row of rows()) cells.push(row[at]);
    assert.deepEqual(cells, [2.5, undefined]);
  });

  it("writes the tables as CSV without formulas or control characters", async () => {
    const [ofClients, ofRounds] = await createTables(
      [{ folder: run, cells: [] }],
      [],
      failOnWarning,
    );
    await mkdir(out());
    await writeCsv(ofClients, join(out(), "clients.csv"));
    await writeCsv(ofRounds, join(out(), "rounds.csv"));
    const [head, ...rows] = parseCsv(await readFile(join(out(), "clients.csv"), "utf8"));
    const names =
      "arm round phase client truth attack failure evaluationFailure verdict reason score threshold numExamples";
    assert.deepEqual(head, [...names.split(" "), "train/loss", "evaluation/a,c", "train/=own"]);
    const of = (arm: string, round: string) => [
      [
        arm,
        round,
        "train",
        "c0",
        "benign",
        "",
        "",
        "",
        "benign",
        "",
        "0.5",
        "2",
        "8",
        "1",
        "0.25",
        "",
      ],
      [
        arm,
        round,
        "train",
        "c1",
        "benign",
        "",
        "",
        "",
        "contaminated",
        "",
        "3",
        "2",
        "4",
        "2",
        "0.75",
        "",
      ],
      [
        arm,
        round,
        "train",
        "c2",
        "contaminated",
        "toy-shift",
        "",
        "",
        "contaminated",
        'says "no"',
        "9",
        "2",
        "",
        "90",
        "",
        "7",
      ],
      [arm, round, "train", "c3", "benign", "", "HOST_LOST", "", "", "", "", "", "", "", "", ""],
    ];
    assert.deepEqual(rows, [...of("toy-mean", "1"), ...of("toy-mean", "2"), ...of("../=b", "1")]);
    const [own, first, second] = parseCsv(await readFile(join(out(), "rounds.csv"), "utf8"));
    const metrics = [...scalars.map(([name]) => name), "global/gap"];
    assert.deepEqual(own, ["arm", "round", "phase", "kept", "stopped", ...metrics]);
    const values = scalars.map(([, value]) => String(value));
    assert.deepEqual(first, ["toy-mean", "1", "train", "", "", ...values, "0.25"]);
    assert.deepEqual(second?.at(-1), "0.5");
  });

  it("writes CSV that can be read back, with any text", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string({ unit: "binary" }), fc.double())),
        async (rows) => {
          const file = join(root, "any.csv");
          await writeCsv(createTable(rows), file);
          const [, ...read] = parseCsv(await readFile(file, "utf8"));
          assert.equal(read.length, rows.length);
          read.forEach(([text = "", number], i) => {
            assert.doesNotMatch(text, /^[=+\-@]|[\p{Cc}\u2028\u202e]/u);
            if (/^[\w ",;]*$/.test(rows[i]?.[0] ?? "")) assert.equal(text, rows[i]?.[0]);
            assert.equal(number, String(rows[i]?.[1]));
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  it("writes the same tables as Parquet, in row groups", async () => {
    for (const table of await createTables([{ folder: run, cells: [] }], [], failOnWarning)) {
      const path = join(root, `${table.name}.parquet`);
      await writeParquet(table, path, 5 * table.columns.length);
      const file = await asyncBufferFromFile(path);
      const { row_groups, num_rows } = await parquetMetadataAsync(file);
      const wanted: Record<string, ExportCell | null>[] = [];
      for await (const row of table.rows()) {
        const cells = table.columns.map(({ name }, i) => [name, row[i] ?? null]);
        wanted.push(Object.fromEntries(cells) as Record<string, ExportCell | null>);
      }
      assert.equal(wanted.length, table.name === "clients" ? 12 : 3);
      assert.equal(Number(num_rows), wanted.length);
      assert.equal(row_groups.length, table.name === "clients" ? 3 : 1);
      assert.deepEqual(await parquetReadObjects({ file }), wanted);
    }
  });

  it("writes event files for TensorBoard, one folder per arm", async () => {
    await runExport("tensorboard", out());
    const folders = (await readdir(out())).sort();
    assert.deepEqual(folders, ["arm-2-..__b", "toy-mean"]);
    const name = "events.out.tfevents.1767225600.fedclair";
    const events = await Promise.all(
      ["toy-mean", "arm-2-..__b"].map(async (arm) =>
        decodeRecords(await readFile(join(out(), arm, name))).map(decodeEvent),
      ),
    );
    const float32 = (values: readonly [string, number][]) =>
      values.map(([tag, value]) => [tag, Math.fround(value)]);
    const version = { wallTime, version: "brain.Event:2", scalars: [] };
    assert.deepEqual(events, [
      [
        version,
        {
          wallTime: wallTime + 1.75,
          step: 1,
          scalars: float32([...scalars, ["global/gap", 0.25]]),
        },
        { wallTime: wallTime + 3.5, step: 2, scalars: float32([...scalars, ["global/gap", 0.5]]) },
      ],
      [
        version,
        {
          wallTime: wallTime + 5.25,
          step: 1,
          scalars: float32([...scalars, ["global/gap", 0.25]]),
        },
      ],
    ]);
  });

  it("computes CRC-32C, and the same record as TensorFlow", () => {
    assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283); // its check value
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa); // RFC 3720, B.4
    const begin = "1800000000000000a37f4b22"; // the start of every event file, whose first record has 24 bytes
    assert.equal(Buffer.from(tfRecord(Buffer.alloc(24))).toString("hex", 0, 12), begin);
  });

  it("writes one line of JSON per round", async () => {
    await runExport("json", out());
    const lines = (await readFile(out(), "utf8")).trimEnd().split("\n");
    const numbers = Object.fromEntries(scalars);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      rounds.map(([arm, step]) => ({ step, arm, ...numbers, "global/gap": step / 4 })),
    );
  });

  it("overwrites nothing, and removes the output of a failed export", async () => {
    await writeFile(out(), "mine");
    for (const to of ["json", "csv"] as const) {
      await assert.rejects(runExport(to, out()), /EEXIST|is there already: choose a new file/);
      assert.equal(await readFile(out(), "utf8"), "mine");
    }
    const folder = join(root, "folder");
    await mkdir(folder);
    await assert.rejects(runExport("parquet", folder), /'.*folder' is there already/);
    await assert.rejects(exportRun(join(root, "none"), { to: "csv", out: out() }), /holds no run/);

    const records = rounds.map(([arm, round]) => createRecord(arm, round));
    await writeRun(records, [createTiming("toy-mean", 1), createTiming("toy-mean", 3)]);
    for (const to of ["csv", "parquet", "tensorboard", "json"] as const) {
      const path = join(root, to);
      await assert.rejects(runExport(to, path), (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /timings\.jsonl has no line for toy-mean round 2, line 2 of/);
        return true;
      });
      assert.ok(!existsSync(path), to);
    }
  });

  it("omits an unfinished round, and metrics beyond a thousand with a warning", async () => {
    const names = Array.from({ length: maxMetricColumns + 5 }, (_, i) => `m${i}`);
    const many = names.map((name): ClientRecord => ({
      clientId: "c0",
      attack: "toy-shift",
      failure: null,
      train: { [name]: 1 },
    }));
    const record = { ...createRecord("toy-mean", 1), clients: many };
    await writeRun([record], [createTiming("toy-mean", 1), createTiming("toy-mean", 2)]);
    const warnings: string[] = [];
    const [ofClients, ofRounds] = await createTables([{ folder: run, cells: [] }], [], (text) =>
      warnings.push(text),
    );
    assert.match(warnings.join(), /^the table clients has columns for the first 1000 metrics only/);
    assert.equal(ofClients.columns.length, 13 + maxMetricColumns);
    let rows = 0;
    for await (const row of ofRounds.rows()) {
      assert.equal(row.length, ofRounds.columns.length);
      rows++;
    }
    assert.equal(rows, 1);
  });

  async function runExport(to: ExportOptions["to"], path: string): Promise<void> {
    await exportRun(run, { to, out: path });
  }
});

function createTable(rows: readonly (readonly ExportCell[])[]): ExportTable {
  return {
    name: "clients",
    columns: [
      { name: "text", kind: "text" },
      { name: "number", kind: "number" },
    ],
    // oxlint-disable-next-line typescript/require-await -- the values are already in memory
    rows: async function* () {
      yield* rows;
    },
  };
}

/** Parses CSV strictly by RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let [at, row]: [number, string[]] = [0, []];
  while (at < text.length) {
    const rest = text.slice(at);
    const [all, quoted, plain, end] =
      /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? assert.fail(rest.slice(0, 80));
    row.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    at += all.length;
    if (end === ",") continue;
    rows.push(row);
    row = [];
  }
  assert.deepEqual(row, [], "the last line has an end");
  return rows;
}

/** Decodes TFRecords and checks their checksums with an independent bitwise implementation. */
function decodeRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    assert.equal(bytes.readUInt32LE(at + 8), maskCrc(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    assert.equal(bytes.readUInt32LE(at + 12 + length), maskCrc(data));
    records.push(data);
    at += length + 16;
  }
  return records;
}

function maskCrc(data: Buffer): number {
  let crc = 0xffffffffn;
  for (const byte of data) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

interface ReadEvent {
  wallTime?: number;
  step?: number;
  version?: string;
  scalars: [string, number][];
}

function decodeEvent(bytes: Buffer): ReadEvent {
  const reader = protobuf.Reader.create(bytes);
  const event: ReadEvent = { scalars: [] };
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 0o11) event.wallTime = reader.double();
    else if (tag === 0o20) event.step = Number(reader.int64());
    else if (tag === 0o32) event.version = reader.string();
    else if (tag === 0o52) {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) {
        assert.equal(reader.uint32(), 0o12);
        reader.uint32();
        assert.equal(reader.uint32(), 0o12);
        const name = reader.string();
        assert.equal(reader.uint32(), 0o25);
        event.scalars.push([name, reader.float()]);
      }
    } else assert.fail(`tag ${tag}`);
  }
  return event;
}
