import { UserError, yieldToEventLoop, type Shard } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { splitRows, type ClientRows } from "../data/client-rows.js";
import type { TableSource } from "../data/own-data.js";
import type { Table } from "../data/table-builder.js";
import type { TableFile } from "../data/table-file.js";
import { numbers, readTable } from "../data/table.js";
import { countHeldBack } from "../held-back.js";
import type { LinearRegressionOptions } from "./options.js";
import type { RegressionSample, ShardSamples } from "./trainer.js";

/** Share of a client's rows that it trains on; the rest is held out. */
const trainingShare = 0.8;

/** The samples of a table in standardised units. */
interface OwnSamples {
  /** Inputs of each row with a constant 1 at the end, rows×p. */
  readonly x: Float64Array;
  /** Outputs of each row, rows×q. */
  readonly y: Float64Array;
  readonly p: number;
  readonly q: number;
  readonly clients: ClientRows;
}

type Columns = NonNullable<LinearRegressionOptions["source"]>["columns"];

/**
 * Reads the samples. Every column is standardised over all rows, so that no weight depends on a
 * unit. A real federation would agree on means and deviations beforehand.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readSamples(
  { partition, dataSeed, proximal }: LinearRegressionOptions,
  source: TableSource | TableFile,
  { inputs, outputs, client }: Columns,
): Promise<OwnSamples> {
  const wanted = { inputs: numbers(inputs), outputs: numbers(outputs) };
  const data = await readTable(source, wanted, client);
  const { table } = data;
  const [own, y] = [standardise(table, "inputs"), standardise(table, "outputs")];
  const [p, q] = [table.names("inputs").length + 1, table.names("outputs").length];
  const x = new Float64Array(table.rows * p).fill(1);
  for (let row = 0; row < table.rows; row++) {
    x.set(own.subarray(row * (p - 1), (row + 1) * (p - 1)), row * p);
  }
  // Least squares needs p training rows unless FedProx's term makes the solution unique.
  const minimum = proximal > 0 ? 2 : Math.ceil(p / trainingShare) + 1;
  return { x, y, p, q, clients: splitRows(data, { partition, dataSeed, minimum }) };
}

/** Scales each column of a word to mean 0 and variance 1. */
function standardise(table: Table, word: string): Float64Array {
  const names = table.names(word);
  const values = table.numbers(word).slice();
  names.forEach((name, j) => {
    let mean = 0;
    for (let i = j; i < values.length; i += names.length) mean += item(values, i) / table.rows;
    let variance = 0;
    for (let i = j; i < values.length; i += names.length) {
      variance += (item(values, i) - mean) ** 2 / table.rows;
    }
    // The deviation of equal numbers is only rounding error.
    if (!(variance > 1e-24 * mean ** 2)) {
      throw new UserError(
        `source: column '${name}' is ${item(values, j)} in every row, so there is nothing to learn from it: leave it out of columns.${word}`,
      );
    }
    const deviation = Math.sqrt(variance);
    for (let i = j; i < values.length; i += names.length) {
      values[i] = (item(values, i) - mean) / deviation;
    }
  });
  return values;
}

/** Opens the rows of one client. */
export function openRows(
  { x, y, p, q, clients }: OwnSamples,
  { index, count, holdBack }: Shard,
): ShardSamples {
  const rows = clients.of(index, count);
  const border = Math.min(Math.ceil(trainingShare * rows.length), rows.length - 1);
  const pass = async function* (from: number, to: number): AsyncGenerator<RegressionSample> {
    for (let i = from; i < to; i++) {
      if (i % 256 === 0) await yieldToEventLoop();
      const row = item(rows, i);
      yield { x: x.subarray(row * p, (row + 1) * p), y: y.subarray(row * q, (row + 1) * q) };
    }
  };
  return {
    p,
    q,
    samples: border,
    trained: border - countHeldBack(border, holdBack),
    training: () => pass(0, border),
    tested: rows.length - border,
    test: () => pass(border, rows.length),
  };
}
