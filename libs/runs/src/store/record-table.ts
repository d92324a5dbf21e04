import { UserError } from "@fedclair/core";
import { errorMessage, type ClientRecord } from "@fedclair/core/internal";
import { parquetMetadata, parquetRead, type FileMetaData } from "hyparquet";
import { parquetWriteBuffer, type ColumnSource } from "hyparquet-writer";
import type { ArmRecord } from "../arm-record.js";

/*
 * The record of a round as a Parquet file: a row per client, and the rest of the record as JSON in
 * the metadata. It has a column for every field that some client has. Metrics have a column each,
 * such as `train.loss`. The bytes are the same on every machine, because the compression (Snappy)
 * is part of the library.
 */

type Kind = "text" | "number" | "boolean" | "metrics" | "json";

/** The fields of a client's record, in the order in which they are written. */
const kinds = {
  clientId: "text",
  attack: "text",
  truth: "text",
  failure: "json",
  seconds: "number",
  staleness: "number",
  numExamples: "number",
  train: "metrics",
  trainLeftOut: "number",
  verdict: "text",
  pooled: "boolean",
  score: "number",
  threshold: "number",
  reason: "text",
  evidence: "json",
  modules: "json",
  refinement: "text",
  refinementFailure: "json",
  mods: "json",
  evaluation: "metrics",
  evaluationLeftOut: "number",
  evaluationFailure: "json",
} as const satisfies Record<keyof ClientRecord, Kind>;

type Field = keyof typeof kinds;
const fields = Object.entries(kinds) as [Field, Kind][];

/** The key of the file's metadata under which the rest of the record is. */
const metadataKey = "fedclair";

/** Encodes the record of a round. */
export function encodeRecord({ clients, ...rest }: ArmRecord): Uint8Array {
  const buffer = parquetWriteBuffer({
    columnData: fields.flatMap(([field, kind]) => toColumns(field, kind, clients)),
    kvMetadata: [{ key: metadataKey, value: JSON.stringify(rest) }],
    rowGroupSize: Math.max(1, clients.length),
    statistics: false,
    createdBy: "fedclair",
  });
  return new Uint8Array(buffer);
}

/** Makes the columns of a field; none if no client has it. */
function toColumns(field: Field, kind: Kind, clients: readonly ClientRecord[]): ColumnSource[] {
  const values = clients.map((client): unknown => client[field] ?? null);
  const isEmpty = values.every((value) => value === null);
  if (isEmpty && field !== "clientId") return [];
  switch (kind) {
    case "text":
      // Ids ascend, so that each shares most of its letters with the one before.
      return [{ ...column(field, "STRING", values), ...(field === "clientId" && sharedPrefixes) }];
    case "number":
      // Scores are all different. Other numbers repeat, which a dictionary stores in fewer bytes.
      return [{ ...column(field, "DOUBLE", values), ...(field === "score" && splitBytes) }];
    case "boolean":
      return [column(field, "BOOLEAN", values)];
    case "json":
      return [column(field, "JSON", values)];
    case "metrics":
      return toMetricColumns(field, values as (Readonly<Record<string, number>> | null)[]);
  }
}

const sharedPrefixes = { encoding: "DELTA_BYTE_ARRAY" } as const;
/** The first bytes of similar numbers are similar, so they compress once they are side by side. */
const splitBytes = { encoding: "BYTE_STREAM_SPLIT" } as const;

function column(name: string, type: "STRING" | "DOUBLE" | "BOOLEAN" | "JSON", data: unknown[]) {
  return { name, type, data };
}

/**
 * Makes a column for each metric of the first client that has any. Clients with other metrics are
 * in a column of JSON, because they may choose any names.
 */
function toMetricColumns(
  field: Field,
  values: readonly (Readonly<Record<string, number>> | null)[],
): ColumnSource[] {
  const first = values.find((metrics) => metrics !== null) ?? {};
  const names = Object.keys(first);
  const common = JSON.stringify(names);
  const isCommon = values.map(
    (metrics) =>
      metrics !== null && names.length > 0 && JSON.stringify(Object.keys(metrics)) === common,
  );
  const others = values.map((metrics, i) => (isCommon[i] ? null : metrics));
  return [
    ...names.map((name) => ({
      ...column(
        `${field}.${name}`,
        "DOUBLE",
        values.map((metrics, i) => (isCommon[i] ? (metrics?.[name] ?? null) : null)),
      ),
      ...splitBytes,
    })),
    ...(others.some((metrics) => metrics !== null) ? [column(field, "JSON", others)] : []),
  ];
}

/** The rest of a record, without its clients. */
export type RecordHead = Omit<ArmRecord, "clients">;

/** Reads the rest of a record from its encoding. @throws UserError if it is none */
export function decodeHead(bytes: Uint8Array, file: string): RecordHead {
  return readHead(readMetadata(bytes, file), file);
}

function readHead({ key_value_metadata: pairs = [] }: FileMetaData, file: string): RecordHead {
  const text = pairs.find(({ key }) => key === metadataKey)?.value;
  if (text === undefined) throw createFault(file, "it has no record");
  return JSON.parse(text) as RecordHead;
}

function readMetadata(bytes: Uint8Array, file: string): FileMetaData {
  try {
    return parquetMetadata(toArrayBuffer(bytes));
  } catch (error) {
    throw createFault(file, errorMessage(error));
  }
}

/**
 * Decodes the record of a round.
 * @param isWanted chooses the clients by their ids; default: all
 * @throws UserError if it is none
 */
export async function decodeRecord(
  bytes: Uint8Array,
  file: string,
  isWanted?: (clientId: string) => boolean,
): Promise<ArmRecord> {
  const metadata = readMetadata(bytes, file);
  const count = Number(metadata.num_rows);
  const columns = new Map<string, unknown[]>();
  try {
    await parquetRead({
      file: toArrayBuffer(bytes),
      metadata,
      onChunk: ({ columnName, columnData }) => {
        const values = columns.get(columnName) ?? [];
        for (const value of columnData as ArrayLike<unknown> & Iterable<unknown>) {
          values.push(value);
        }
        columns.set(columnName, values);
      },
    });
  } catch (error) {
    throw createFault(file, errorMessage(error));
  }
  const readers = fields.map(([field]) => createReader(field, columns));
  const clients: ClientRecord[] = [];
  for (let row = 0; row < count; row++) {
    if (isWanted && !isWanted(columns.get("clientId")?.[row] as string)) continue;
    const client: Client = {};
    for (const read of readers) read(client, row);
    clients.push(client as unknown as ClientRecord);
  }
  const { arm, round, phase, ...rest } = readHead(metadata, file);
  // In the order of a line of `records.jsonl`.
  const { origin, ...others } = rest;
  return { arm, round, phase, ...(origin && { origin }), clients, ...others };
}

type Client = Partial<Record<Field, unknown>>;

/** Creates a function that adds a field to the record of a client, if the client has it. */
function createReader(
  field: Field,
  columns: ReadonlyMap<string, ArrayLike<unknown>>,
): (client: Client, row: number) => void {
  const own = columns.get(field);
  const metrics = [...columns].flatMap(([name, values]) =>
    name.startsWith(`${field}.`) ? [{ name: name.slice(field.length + 1), values }] : [],
  );
  const [first] = metrics;
  return (client, row) => {
    const value = own?.[row] ?? undefined;
    if (value !== undefined) client[field] = value;
    else if ((first?.values[row] ?? undefined) !== undefined)
      client[field] = Object.fromEntries(metrics.map(({ name, values }) => [name, values[row]]));
    else if (isNullable(field, client)) client[field] = null;
  };
}

/** Is the field null where it has no value? Other fields are then absent. */
function isNullable(field: Field, client: Client): boolean {
  if (field === "attack" || field === "failure") return true;
  return (field === "score" || field === "threshold") && client.verdict !== undefined;
}

function toArrayBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function createFault(file: string, why: string): UserError {
  return new UserError(
    `'${file}': expected the record of a round in Parquet: ${why}; run the trial again`,
  );
}
