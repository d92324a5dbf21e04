import { fileWriter, ParquetWriter } from "hyparquet-writer";
import type { ExportCell, ExportColumn, ExportTable } from "./tables.js";

type SchemaElement = ParquetWriter["schema"][number];

/**
 * Writes a table as Parquet, in row groups. Every column may be null.
 * @param file is overwritten
 * @param cellsAtOnce maximum number of cells in memory
 */
export async function writeParquet(
  table: ExportTable,
  file: string,
  cellsAtOnce = 2 ** 20,
): Promise<void> {
  const { columns } = table;
  const schema = [{ name: "root", num_children: columns.length }, ...columns.map(toSchemaElement)];
  const writer = new ParquetWriter({ writer: fileWriter(file), schema, createdBy: "fedclair" });
  const rowGroupSize = Math.floor(cellsAtOnce / columns.length);
  let group: ExportCell[][] = columns.map(() => []);
  const flush = async () => {
    const columnData = columns.map(({ name }, i) => ({ name, data: group[i] ?? [] }));
    await writer.write({ columnData, rowGroupSize });
    group = columns.map(() => []);
  };
  for await (const row of table.rows()) {
    row.forEach((cell, i) => group[i]?.push(cell));
    if (group[0]?.length === rowGroupSize) await flush();
  }
  await flush();
  await writer.finish();
}

function toSchemaElement({ name, kind }: ExportColumn): SchemaElement {
  switch (kind) {
    case "text":
      return { name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" };
    case "integer":
      return { name, type: "INT32", repetition_type: "OPTIONAL" };
    case "number":
      return { name, type: "DOUBLE", repetition_type: "OPTIONAL" };
  }
}
