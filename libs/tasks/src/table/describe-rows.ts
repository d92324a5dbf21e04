import { excerpt } from "@fedclair/core";
import { looksMeasured } from "../data/class-names.js";
import { countUses } from "../held-back.js";
import type { TableRows } from "./rows.js";

/** Says what the columns are, and what rows are used for. */
export function describeRows(rows: TableRows, clients: number): string {
  const { inputs, classes, outputNames, count, uniform, base } = rows;
  const { numeric, categories, missing } = inputs;
  const listed = categories.map(({ name, values }) => `${name} (${values})`);
  const columns = [
    `${numeric.length} column${numeric.length === 1 ? "" : "s"} of numbers, in the units of all clients`,
    ...(listed.length > 0 ? [`categories ${shorten(listed)}`] : []),
    ...(missing > 0 ? [`${missing} missing cells`] : []),
  ];
  const predicted =
    classes.length > 0
      ? `${classes.length} classes (${shorten(classes)})`
      : `numbers to predict: ${shorten(outputNames)}`;
  const { trained, heldOut } = countUses(clients, (client) => rows.clients.of(client, clients));
  const uses = [
    `${trained} rows train`,
    `${heldOut} measure the client that holds them`,
    ...(uniform.length > 0 ? [`${uniform.length} measure all clients`] : []),
    ...(base.length > 0 ? [`${base.length} pre-train`] : []),
  ];
  const text = `source: ${count} rows: ${[...columns, predicted].join("; ")}; ${uses.join(", ")}`;
  const numbers = numeric.filter(({ place }) => countsRows(rows, place));
  const hints = numbers.map(
    ({ name }) =>
      `source: column '${excerpt(name)}' counts the rows, and is predicted from: leave it out (columns.ignore) unless their order means something`,
  );
  if (looksMeasured(classes)) hints.push(describeMeasured(classes));
  return [text, ...hints].join("\n");
}

/** Does an input go up by one with every row, as the index that tools write beside a table? */
function countsRows({ inputs: { values, width }, count }: TableRows, place: number): boolean {
  const valueOf = (row: number) => values[row * width + place] ?? NaN;
  return (
    count > 2 &&
    Array.from({ length: count - 1 }, (_, row) => valueOf(row + 1) - valueOf(row)).every(
      (step) => step === 1,
    )
  );
}

function describeMeasured(classes: readonly string[]): string {
  return `source: columns.label: ${classes.length} classes with numbers for names (${shorten(classes)}): to predict numbers, name the column in columns.outputs in place of columns.label`;
}

/** Lists names; of many, the first ones and how many there are. */
export function shorten(names: readonly string[]): string {
  if (names.length <= 6) return names.join(", ");
  return `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}
