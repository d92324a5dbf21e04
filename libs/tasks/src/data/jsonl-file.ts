import { excerpt, UserError } from "@fedclair/core";
import { requireFewColumns, type Row, type TableFile } from "./table-file.js";
import { readTextLines } from "./text-stream.js";

/** A line with an object. */
interface Line {
  readonly number: number;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Opens a file with one JSON object per line. The columns are the keys of the first one. */
export async function openJsonl(path: string, signal: AbortSignal): Promise<TableFile> {
  for await (const { value } of readObjects(path, signal)) {
    const columns = Object.keys(value);
    requireFewColumns(path, columns.length);
    return { path, unit: "line", columns, read: (names) => readRows(path, names, signal) };
  }
  throw new UserError(`source: ${path}: expected one JSON object per line, got an empty file`);
}

async function* readRows(
  path: string,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Row> {
  for await (const { number, value } of readObjects(path, signal)) {
    const cells = names.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined));
    yield { number, cells };
  }
}

async function* readObjects(path: string, signal: AbortSignal): AsyncGenerator<Line> {
  let number = 0;
  for await (const lines of readTextLines(path, signal)) {
    for (const line of lines) {
      number++;
      if (line.trim() !== "") yield { number, value: parseObject(line, `${path}, line ${number}`) };
    }
  }
}

function parseObject(line: string, place: string): Line["value"] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Line["value"];
  }
  throw new UserError(`source: ${place}: expected a JSON object, got '${excerpt(line)}'`);
}
