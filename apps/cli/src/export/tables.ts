import type { ClientRecord } from "@fedclair/core/internal";
import { clientTruth } from "@fedclair/runs";
import { eachRound, numbersIn, scalarsOf, type ExportedRound } from "./rounds.js";

export interface Column {
  readonly name: string;
  readonly kind: "text" | "integer" | "number";
}

/** Undefined where there is none. */
export type Cell = string | number | undefined;

/** A table too long for the memory. */
export interface Table {
  readonly name: "clients" | "rounds";
  readonly columns: readonly Column[];
  /** As many cells each as there are columns. */
  readonly rows: () => AsyncIterable<readonly Cell[]>;
}

/** Columns of metrics in a table at most: clients name their metrics as they like, in every round anew. */
export const maxMetricColumns = 1000;

const text = (...names: string[]): Column[] => names.map((name) => ({ name, kind: "text" }));
const integers = (...names: string[]): Column[] => names.map((name) => ({ name, kind: "integer" }));
const numbers = (names: Iterable<string>): Column[] =>
  [...names].map((name) => ({ name, kind: "number" }));

const clientColumns = [
  ...text("arm"),
  ...integers("round"),
  ...text("phase", "client", "truth", "attack", "failure", "evaluationFailure"),
  ...text("verdict", "reason"),
  ...numbers(["score", "threshold", "numExamples"]),
];
const roundColumns = [...text("arm"), ...integers("round"), ...text("phase", "kept", "stopped")];

/**
 * A run as two tables: a row a client and round and arm, and a row a round and arm. The run is read through first, for the
 * metrics that have a column.
 * @param warn told in a sentence of metrics that are left out
 */
export async function tablesOf(
  folder: string,
  warn: (text: string) => void,
): Promise<readonly [Table, Table]> {
  const ofClients = new Names("clients", warn);
  const ofRounds = new Names("rounds", warn);
  let count = 0;
  for await (const round of eachRound(folder)) {
    count++;
    for (const client of round.record.clients) ofClients.add(metricsOf(client).keys());
    ofRounds.add(scalarsOf(round).keys());
  }
  ofClients.tell();
  ofRounds.tell();
  return [
    {
      name: "clients",
      columns: [...clientColumns, ...numbers(ofClients.names)],
      rows: async function* () {
        for await (const { record } of eachRound(folder, count)) {
          for (const client of record.clients) {
            const metrics = metricsOf(client);
            yield [...clientCells(record, client), ...ofClients.cells(metrics)];
          }
        }
      },
    },
    {
      name: "rounds",
      columns: [...roundColumns, ...numbers(ofRounds.names)],
      rows: async function* () {
        for await (const round of eachRound(folder, count)) {
          const { arm, round: number, phase, kept, stopped } = round.record;
          yield [arm, number, phase, kept, stopped, ...ofRounds.cells(scalarsOf(round))];
        }
      },
    },
  ];
}

/** In the order of `clientColumns`. */
function clientCells(
  { arm, round, phase }: ExportedRound["record"],
  client: ClientRecord,
): readonly Cell[] {
  const { clientId, attack, failure, evaluationFailure } = client;
  const { verdict, reason, score, threshold, numExamples } = client;
  return [
    ...[arm, round, phase, clientId, clientTruth(client), attack ?? undefined],
    ...[failure?.code, evaluationFailure?.code, verdict, reason],
    ...[score ?? undefined, threshold ?? undefined, numExamples],
  ];
}

function metricsOf({ train, evaluation, mods = {} }: ClientRecord): Map<string, number> {
  return new Map([
    ...numbersIn(train).map(([name, value]) => [`train/${name}`, value] as const),
    ...numbersIn(evaluation).map(([name, value]) => [`evaluation/${name}`, value] as const),
    ...Object.entries(mods).flatMap(([mod, told]) =>
      numbersIn(told).map(([name, value]) => [`${mod}/${name}`, value] as const),
    ),
  ]);
}

/** Names of metrics in the order in which they come, the first of them. */
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

  cells(metrics: ReadonlyMap<string, number>): Cell[] {
    return [...this.names].map((name) => metrics.get(name));
  }

  tell(): void {
    if (!this.#isFull) return;
    this.#warn(
      `the table ${this.#table} has columns for the first ${maxMetricColumns} metrics only: others are left out`,
    );
  }
}
