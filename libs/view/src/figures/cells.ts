import { valueOf, type Cell, type Table } from "@fedclair/runs";

/** The share that a cell counts, or else its mean, with the ends of its interval. */
export function readCell(cell: Cell) {
  const { counts, interval } = cell;
  const value = valueOf(cell);
  const { low = value, high = value } = counts ?? interval ?? {};
  return { value, low, high };
}

/** Lists the cells of a table that have numbers, each with its name and its column's place. */
export function namedCells({ facet, rows, columns, cells }: Table) {
  return rows.flatMap((row, r) =>
    columns.flatMap((column, place) => {
      const cell = cells[r]?.[place];
      const name = [row, column].filter(Boolean).join(", ");
      return cell ? [{ facet, row, column, place, cell, name }] : [];
    }),
  );
}
