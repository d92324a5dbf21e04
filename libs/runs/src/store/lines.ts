import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "@fedclair/core";

/** The files of a run that have a JSON value a line. */
export type LinesFile = "records.jsonl" | "timings.jsonl" | "artifacts.jsonl";

/** Reads a JSON-lines file of a run; nothing where it did not come to begin it. @throws UserError for a line that is no JSON */
export async function readLines<T>(folder: string, file: LinesFile): Promise<T[]> {
  const values: T[] = [];
  for await (const value of eachLine<T>(folder, file)) values.push(value);
  return values;
}

/** As `readLines`, one after another: a run's records may outgrow the memory. */
export async function* eachLine<T>(folder: string, file: LinesFile): AsyncGenerator<T> {
  const path = join(folder, file);
  if (!existsSync(path)) return;
  let number = 0;
  for await (const line of linesOf(path)) {
    number++;
    let value: T;
    try {
      value = JSON.parse(line) as T;
    } catch (error) {
      throw new UserError(`${path}:${number}: expected JSON: ${String(error)}; run the trial anew`);
    }
    yield value;
  }
}

/**
 * As a stream, for a file may be longer than a string can be. Not by readline, to which a U+2028 inside a JSON string is
 * a line's end too. What follows the last line feed is half a line of a run that was killed in mid-write, and left out.
 */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 2 ** 20 })) {
    const lines = (rest + String(chunk)).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}
