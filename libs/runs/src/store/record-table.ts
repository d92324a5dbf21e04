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

/** The parts of a record that are read. */
export interface RecordParts {
  /**
   * The clients whose evidence and modules are needed: all (default), none, or those for whose ids
   * it returns true. The evidence of other clients may be there as well.
   */
  readonly evidence?: boolean | ((clientId: string) => boolean);
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
 * @throws UserError if it is none
 */
export async function decodeRecord(
  bytes: Uint8Array,
  file: string,
  { evidence = true }: RecordParts = {},
): Promise<ArmRecord> {
  const metadata = readMetadata(bytes, file);
  const wanted = fields.filter(([field]) => evidence !== false || !ofEvidence.has(field));
  const clients: Client[] = [];
  try {
    const columns = await readColumns(bytes, metadata, new Set(wanted.map(([field]) => field)));
    const ids = (columns.get("clientId") ?? []) as ArrayLike<string>;
    for (let row = 0; row < ids.length; row++) clients.push({});
    // Column by column, which takes two thirds of the time of client by client.
    for (const [field, kind] of wanted) {
      const isNeeded =
        typeof evidence === "function" && ofEvidence.has(field)
          ? (row: number) => evidence(ids[row] ?? "")
          : () => true;
      addField(clients, field, kind, columns, isNeeded);
    }
  } catch (error) {
    throw createFault(file, errorMessage(error));
  }
  const { arm, round, phase, ...rest } = readHead(metadata, file);
  // In the order of a line of `records.jsonl`.
  const { origin, ...others } = rest;
  return {
    arm,
    round,
    phase,
    ...(origin && { origin }),
    clients: clients as unknown as ClientRecord[],
    ...others,
  };
}

/** The fields that explain a verdict, which take most of the time that a record takes to decode. */
const ofEvidence: ReadonlySet<Field> = new Set(["evidence", "modules"] as const);

/** JSON stays bytes until a client is made, because the evidence of few clients may be needed. */
const parsers = { jsonFromBytes: (bytes: Uint8Array | undefined) => bytes };

async function readColumns(
  bytes: Uint8Array,
  metadata: FileMetaData,
  wanted: ReadonlySet<string>,
): Promise<ReadonlyMap<string, ArrayLike<unknown>>> {
  const names = (metadata.row_groups[0]?.columns ?? []).map(
    (column) => column.meta_data?.path_in_schema[0] ?? "",
  );
  const columns = new Map<string, ArrayLike<unknown>>();
  await parquetRead({
    file: toArrayBuffer(bytes),
    metadata,
    columns: names.filter((name) => wanted.has(name.replace(/\..*/su, ""))),
    parsers,
    onChunk: ({ columnName, columnData }) => {
      const before = columns.get(columnName);
      const part: ArrayLike<unknown> = columnData;
      columns.set(columnName, before ? [...Array.from(before), ...Array.from(part)] : part);
    },
  });
  return columns;
}

type Client = Partial<Record<Field, unknown>>;

/** Adds a field to the clients that have it and for whom it is needed. */
function addField(
  clients: readonly Client[],
  field: Field,
  kind: Kind,
  columns: ReadonlyMap<string, ArrayLike<unknown>>,
  isNeeded: (row: number) => boolean,
): void {
  const own = columns.get(field);
  // Metrics are JSON where they have no columns of their own.
  const isJson = kind === "json" || kind === "metrics";
  const metrics = [...columns].flatMap(([name, values]) =>
    name.startsWith(`${field}.`) ? [{ name: name.slice(field.length + 1), values }] : [],
  );
  const [first] = metrics;
  if (!own && !first && !nullable.has(field)) return;
  // Reports add some ten million fields, so there are no iterators and no pairs here.
  for (let row = 0; row < clients.length; row++) {
    const client = clients[row] as Client;
    if (!isNeeded(row)) continue;
    const value = own?.[row] ?? undefined;
    if (value !== undefined)
      client[field] = isJson ? JSON.parse(decoder.decode(value as Uint8Array)) : value;
    else if ((first?.values[row] ?? undefined) !== undefined)
      client[field] = readMetrics(metrics, row);
    else if (isNull(field, client)) client[field] = null;
  }
}

const plainProperty = { enumerable: true, configurable: true, writable: true } as const;

/** The column of a metric. */
interface MetricColumn {
  readonly name: string;
  readonly values: ArrayLike<unknown>;
}

function readMetrics(columns: readonly MetricColumn[], row: number): Record<string, unknown> {
  const metrics: Record<string, unknown> = {};
  for (const { name, values } of columns) {
    const value = values[row];
    // A client may choose this name, and an assignment would change the prototype.
    if (name === "__proto__") Object.defineProperty(metrics, name, { value, ...plainProperty });
    else metrics[name] = value;
  }
  return metrics;
}

/** The fields that can be null; the others are absent if they have no value. */
const nullable: ReadonlySet<Field> = new Set(["attack", "failure", "score", "threshold"] as const);

function isNull(field: Field, client: Client): boolean {
  if (!nullable.has(field)) return false;
  return field === "attack" || field === "failure" || client.verdict !== undefined;
}

const decoder = new TextDecoder();

function toArrayBuffer({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function createFault(file: string, why: string): UserError {
  return new UserError(
    `'${file}': expected the record of a round in Parquet: ${why}; run the trial again`,
  );
}
