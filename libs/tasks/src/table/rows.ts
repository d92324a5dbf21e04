import { splitRows, type ClientRows } from "../data/client-rows.js";
import { numberClasses, sortClasses } from "../data/class-names.js";
import type { TableSource } from "../data/own-data.js";
import type { TableFile } from "../data/table-file.js";
import { mixed, numbers, readTable, texts, type ClientTable } from "../data/table.js";
import { trainingShare } from "../held-back.js";
import { shuffleSamples } from "../partition/shuffle-samples.js";
import { encodeInputs, type Inputs } from "./inputs.js";
import { isLeastSquares, type TableOptions } from "./options.js";

/** A table in memory, and whose each row is. */
export interface TableRows {
  readonly count: number;
  readonly inputs: Inputs;
  /** The class of each row; empty where numbers are predicted. */
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** The numbers to predict, rows×outputs; empty where classes are. */
  readonly outputs: Float64Array;
  readonly outputNames: readonly string[];
  /** Rows that no client holds: for measuring all clients, and for pre-training. */
  readonly uniform: readonly number[];
  readonly base: readonly number[];
  readonly clients: ClientRows;
}

/**
 * Reads the table and splits its rows.
 * @throws UserError with file and row if the data are not as expected
 */
export async function readRows(
  options: TableOptions,
  source: TableSource | TableFile,
): Promise<TableRows> {
  const { columns, categories } = options.source;
  const { label, outputs: predicted } = columns;
  const wanted = {
    inputs: mixed(columns.inputs, columns.ignore),
    ...(label === undefined ? { outputs: numbers(predicted) } : { label: texts(label) }),
  };
  const data = await readTable(source, wanted, columns.client);
  const { table } = data;
  const solves = isLeastSquares(options);
  const inputs = encodeInputs(table, categories, solves);
  const { labels, classes } =
    label === undefined ? { labels: new Int32Array(0), classes: [] } : readLabels(options, data);
  const withheld = reserve(options, table.rows);
  const { partition, dataSeed, proximal } = options;
  // Least squares needs as many training rows as inputs, unless FedProx's term makes it unique.
  const most = Math.ceil((inputs.width + 1) / trainingShare) + 1;
  const isUnique = solves && proximal === 0;
  const minimum = isUnique ? most : 2;
  const why = isUnique
    ? `for least squares (inputs: ${inputs.width}, values of categories included; with proximal above 0 it needs 2)`
    : undefined;
  const split = { partition, dataSeed, minimum, why, ...(label !== undefined && { labels }) };
  return {
    count: table.rows,
    inputs,
    labels,
    classes,
    outputs: label === undefined ? table.numbers("outputs") : new Float64Array(0),
    outputNames: label === undefined ? table.names("outputs") : [],
    uniform: withheld.uniform,
    base: withheld.base,
    clients: splitRows(data, { ...split, ...(withheld.left && { rows: withheld.left }) }),
  };
}

function readLabels({ source }: TableOptions, { table }: ClientTable) {
  const { label = "" } = source.columns;
  const found = table.texts("label");
  const classes =
    source.classes?.map(String) ??
    sortClasses(new Set(found), `column '${label}' (columns.label)`, "classes");
  const numberOf = numberClasses(classes);
  const labels = Int32Array.from(found, (name, row) =>
    numberOf(name, () => `${table.place(row)}: column '${label}'`),
  );
  return { labels, classes };
}

/** Withholds rows from all clients. */
function reserve({ source, model, uniformRows, baseRows, dataSeed }: TableOptions, rows: number) {
  const count = (wanted: number) => (wanted < 1 ? Math.round(wanted * rows) : wanted);
  const uniform = count(uniformRows ?? (source.columns.label === undefined ? 0 : 0.1));
  const base = model === "lora" ? count(baseRows ?? 0.2) : 0;
  if (uniform + base === 0) return { uniform: [], base: [] };
  const order = shuffleSamples(rows, dataSeed);
  return {
    uniform: order.slice(0, uniform),
    base: order.slice(uniform, uniform + base),
    left: order.slice(uniform + base),
  };
}
