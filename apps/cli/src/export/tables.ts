import { eachRound, type ExportedRound } from "../results/rounds.js";
import {
  createClientRows,
  createRoundRow,
  type ClientRow,
  type RoundRow,
} from "../results/rows.js";

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

/** A kind of table: its first columns, named like fields of its rows, and the rows of a round. */
interface TableKind {
  readonly name: "clients" | "rounds";
  readonly columns: readonly ExportColumn[];
  readonly list: (round: ExportedRound) => readonly Row[];
}

type Row = ClientRow | RoundRow;
type Cells = Readonly<Record<string, ExportCell>>;

const clientTable: TableKind = {
  name: "clients",
  columns: [
    ...textColumns("arm"),
    ...integerColumns("round"),
    ...textColumns("phase", "client", "truth", "attack", "failure", "evaluationFailure"),
    ...textColumns("verdict", "reason"),
    ...numberColumns(["score", "threshold", "numExamples"]),
  ],
  list: ({ record }) => createClientRows(record),
};

const roundTable: TableKind = {
  name: "rounds",
  columns: [
    ...textColumns("arm"),
    ...integerColumns("round"),
    ...textColumns("phase", "kept", "stopped"),
  ],
  list: (round) => [createRoundRow(round)],
};

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
  const ofClients = { ...clientTable, metrics: new Set<string>(), isFull: false };
  const ofRounds = { ...roundTable, metrics: new Set<string>(), isFull: false };
  const counts = new Map<string, number>();
  for (const { folder } of runs) {
    let count = 0;
    for await (const round of eachRound(folder)) {
      count++;
      for (const table of [ofClients, ofRounds]) {
        for (const name of table.list(round).flatMap(({ metrics }) => [...metrics.keys()])) {
          if (table.metrics.has(name)) continue;
          if (table.metrics.size < maxMetricColumns) table.metrics.add(name);
          else table.isFull = true;
        }
      }
    }
    counts.set(folder, count);
  }
  const finish = ({ name, columns: own, list, metrics: names, isFull }: typeof ofClients) => {
    if (isFull)
      warn(
        `the table ${name} has columns for the first ${maxMetricColumns} metrics only; others are left out`,
      );
    return {
      name,
      columns: [...columns, ...own, ...numberColumns(names)],
      rows: async function* () {
        for (const { folder, cells: first } of runs) {
          for await (const round of eachRound(folder, counts.get(folder))) {
            for (const row of list(round))
              yield [
                ...first,
                ...own.map((column) => (row as unknown as Cells)[column.name]),
                ...[...names].map((one) => row.metrics.get(one)),
              ];
          }
        }
      },
    };
  };
  return [finish(ofClients), finish(ofRounds)];
}
