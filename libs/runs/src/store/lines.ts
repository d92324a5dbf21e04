import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { errorMessage } from "@fedclair/core/internal";

/** The files of a run that contain one JSON value per line. */
export type LinesFile = "records.jsonl" | "timings.jsonl" | "artifacts.jsonl";

/**
 * Reads a JSON-lines file of a run. Returns an empty list if the run did not get to create the
 * file.
 * @throws UserError if a line is not JSON
 */
export async function readLines<T>(folder: string, file: LinesFile): Promise<T[]> {
  const values: T[] = [];
  for await (const value of eachLine<T>(folder, file)) values.push(value);
  return values;
}

/**
 * Reads a file like `readLines`, but value by value, because a run's records may not fit into
 * memory.
 */
export async function* eachLine<T>(folder: string, file: LinesFile): AsyncGenerator<T> {
  const path = join(folder, file);
  let number = 0;
  for await (const line of streamLines(path)) yield parseLine<T>(line, `${path}:${++number}`);
}

/** @param place file and line, for the message @throws UserError if the line is not JSON */
export function parseLine<T>(line: string, place: string): T {
  try {
    return JSON.parse(line) as T;
  } catch (error) {
    throw new UserError(`${place}: expected JSON: ${errorMessage(error)}; run the trial again`);
  }
}

/**
 * Streams the lines of a file, because a file may be longer than the longest string. Yields nothing
 * if there is no file. `readline` is not an option: it also splits at a U+2028 inside a JSON string.
 * Text after the last line feed comes from a run that was killed while writing, and is dropped.
 * @param bytes the number of bytes to read; default: all
 */
export async function* streamLines(path: string, bytes = Infinity): AsyncGenerator<string> {
  if (bytes === 0 || !existsSync(path)) return;
  const options = { encoding: "utf8", highWaterMark: 2 ** 20, end: bytes - 1 } as const;
  let rest = "";
  for await (const chunk of createReadStream(path, options)) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
