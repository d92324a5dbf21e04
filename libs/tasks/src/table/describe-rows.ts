import { looksMeasured } from "../data/class-names.js";
import { countTrained, type TableRows } from "./rows.js";

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
  const text = `source: ${count} rows: ${[...columns, predicted].join("; ")}; ${countUses(
    rows,
    clients,
  )
    .concat(uniform.length > 0 ? [`${uniform.length} measure all clients`] : [])
    .concat(base.length > 0 ? [`${base.length} pre-train`] : [])
    .join(", ")}`;
  if (!looksMeasured(classes)) return text;
  return `${text}\nsource: columns.label: ${classes.length} classes with numbers for names (${shorten(classes)}): to predict numbers, name the column in columns.outputs in place of columns.label`;
}

function countUses({ clients: parts }: TableRows, clients: number): string[] {
  let trained = 0;
  let heldOut = 0;
  for (let client = 0; client < clients; client++) {
    const { length } = parts.of(client, clients);
    trained += countTrained(length);
    heldOut += length - countTrained(length);
  }
  return [`${trained} rows train`, `${heldOut} measure the client that holds them`];
}

/** Lists names; of many, the first ones and how many there are. */
export function shorten(names: readonly string[]): string {
  if (names.length <= 6) return names.join(", ");
  return `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}
