import type { ClientRecord } from "@fedclair/core/internal";
import { clientTruth } from "@fedclair/runs";
import { eachRound, listFinite, computeScalars, type ExportedRound } from "./rounds.js";

export interface ExportColumn {
  readonly name: string;
  readonly kind: "text" | "integer" | "number";
}

/** The value of a cell; undefined if it has none. */
export type ExportCell = string | number | undefined;

/** A table whose rows are generated, because it may be larger than memory. */
export interface ExportTable {
  readonly name: "clients" | "rounds" | "measures" | "means";
  readonly columns: readonly ExportColumn[];
  /** Generates the rows; each has one cell per column. */
  readonly rows: () => AsyncIterable<readonly ExportCell[]> | Iterable<readonly ExportCell[]>;
}

/** Maximum number of metric columns, because clients may use new metric names in every round. */
export const maxMetricColumns = 1000;

export const textColumns = (...names: string[]): ExportColumn[] =>
  names.map((name) => ({ name, kind: "text" }));
export const integerColumns = (...names: string[]): ExportColumn[] =>
  names.map((name) => ({ name, kind: "integer" }));
export const numberColumns = (names: Iterable<string>): ExportColumn[] =>
  [...names].map((name) => ({ name, kind: "number" }));

const clientColumns = [
  ...textColumns("arm"),
  ...integerColumns("round"),
  ...textColumns("phase", "client", "truth", "attack", "failure", "evaluationFailure"),
  ...textColumns("verdict", "reason"),
  ...numberColumns(["score", "threshold", "numExamples"]),
];
const roundColumns = [
  ...textColumns("arm"),
  ...integerColumns("round"),
  ...textColumns("phase", "kept", "stopped"),
];

/** A run to export, with the cells that every row of it begins with. */
interface ExportedRun {
  readonly folder: string;
  readonly cells: readonly ExportCell[];
}

/**
 * Creates two tables of runs: one row per client, round and arm, and one row per round and arm.
 * The runs are first read completely to find the metrics, which become columns.
 * @param columns those of the cells that every row of a run begins with
 * @param warn receives a sentence if metrics are left out
 */
export async function createTables(
  runs: readonly ExportedRun[],
  columns: readonly ExportColumn[],
  warn: (text: string) => void,
): Promise<readonly [ExportTable, ExportTable]> {
  const ofClients = new Names("clients", warn);
  const ofRounds = new Names("rounds", warn);
  const counts = new Map<string, number>();
  for (const { folder } of runs) {
    let count = 0;
    for await (const round of eachRound(folder)) {
      count++;
      for (const client of round.record.clients) ofClients.add(listMetrics(client).keys());
      ofRounds.add(computeScalars(round).keys());
    }
    counts.set(folder, count);
  }
  ofClients.warnIfFull();
  ofRounds.warnIfFull();
  return [
    {
      name: "clients",
      columns: [...columns, ...clientColumns, ...numberColumns(ofClients.names)],
      rows: async function* () {
        for (const { folder, cells } of runs) {
          for await (const { record } of eachRound(folder, counts.get(folder))) {
            for (const client of record.clients) {
              const metrics = listMetrics(client);
              yield [...cells, ...createClientCells(record, client), ...ofClients.cells(metrics)];
            }
          }
        }
      },
    },
    {
      name: "rounds",
      columns: [...columns, ...roundColumns, ...numberColumns(ofRounds.names)],
      rows: async function* () {
        for (const { folder, cells } of runs) {
          for await (const round of eachRound(folder, counts.get(folder))) {
            const { arm, round: number, phase, kept, stopped } = round.record;
            const own = [arm, number, phase, kept, stopped];
            yield [...cells, ...own, ...ofRounds.cells(computeScalars(round))];
          }
        }
      },
    },
  ];
}

/** Creates the cells of a client in the order of `clientColumns`. */
function createClientCells(
  { arm, round, phase }: ExportedRound["record"],
  client: ClientRecord,
): readonly ExportCell[] {
  const { clientId, attack, failure, evaluationFailure } = client;
  const { verdict, reason, score, threshold, numExamples } = client;
  return [
    arm,
    round,
    phase,
    clientId,
    clientTruth(client),
    attack ?? undefined,
    failure?.code,
    evaluationFailure?.code,
    verdict,
    reason,
    score ?? undefined,
    threshold ?? undefined,
    numExamples,
  ];
}

function listMetrics({ train, evaluation, mods = {} }: ClientRecord): Map<string, number> {
  return new Map([
    ...listFinite(train).map(([name, value]) => [`train/${name}`, value] as const),
    ...listFinite(evaluation).map(([name, value]) => [`evaluation/${name}`, value] as const),
    ...Object.entries(mods).flatMap(([mod, metrics]) =>
      listFinite(metrics).map(([name, value]) => [`${mod}/${name}`, value] as const),
    ),
  ]);
}

/** Collects the first metric names in order of appearance. */
class Names {
  readonly names = new Set<string>();
  readonly #table: string;
  readonly #warn: (text: string) => void;
  #isFull = false;

  constructor(table: string, warn: (text: string) => void) {
    this.#table = table;
    this.#warn = warn;
  }

  add(names: Iterable<string>): void {
    for (const name of names) {
      if (this.names.has(name)) continue;
      if (this.names.size < maxMetricColumns) this.names.add(name);
      else this.#isFull = true;
    }
  }

  cells(metrics: ReadonlyMap<string, number>): ExportCell[] {
    return [...this.names].map((name) => metrics.get(name));
  }

  warnIfFull(): void {
    if (!this.#isFull) return;
    this.#warn(
      `the table ${this.#table} has columns for the first ${maxMetricColumns} metrics only; others are left out`,
    );
  }
}
