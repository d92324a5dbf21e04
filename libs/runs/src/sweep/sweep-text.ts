import pc from "picocolors";
import { columns as aligned } from "../outcome/columns.js";
import { formatNumber } from "../numbers.js";
import type { Table } from "./table.js";

/**
 * Formats tables for the terminal. The last row shows the worst value of each column, if one end of
 * the scale is worse.
 */
export function sweepText(tables: readonly Table[]): string {
  return tables
    .map(({ measure, facet, rows, columns, cells, worst }) => {
      const text = (value: number | undefined) => (value === undefined ? "–" : formatNumber(value));
      const body = rows.map((row, r) => [row, ...columns.map((_, c) => text(cells[r]?.[c]?.mean))]);
      const last =
        worst.length === 0 ? [] : [["worst", ...worst.map(text)].map((cell) => pc.italic(cell))];
      const align = ["left" as const, ...columns.map(() => "right" as const)];
      const title = pc.bold(facet === "" ? measure : `${measure}, ${facet}`);
      return `${title}\n${aligned([["", ...columns], ...body, ...last], align)}\n`;
    })
    .join("\n");
}
