import { createReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { UserError } from "@fedclair/core";
import { gunzip } from "./gunzip.js";
import { largestTable, longestRow } from "./table-file.js";

/** Opens a text file, unzipped if its name ends in `.gz`. Errors reach the reader of the stream. */
export function openText(path: string, signal: AbortSignal): Readable {
  const file = createReadStream(path, { signal });
  return path.endsWith(".gz") ? gunzip(path, file, statSync(path).size) : file;
}

/**
 * Reads the lines of a text file, some at a time, without holding more than a piece of it.
 * @throws UserError if a line is longer than `longestRow`, or if there are too many
 */
export async function* readTextLines(
  path: string,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  // The pieces of an unfinished line are joined once, because splitting it again with every piece
  // takes quadratic time.
  let pieces: string[] = [];
  let length = 0;
  let number = 1;
  for await (const piece of openText(path, signal).setEncoding("utf8") as AsyncIterable<string>) {
    const isStart = number === 1 && length === 0;
    const [first = "", ...others] = (isStart ? piece.replace(/^\ufeff/, "") : piece).split("\n");
    pieces.push(first);
    length += first.length;
    const rest = others.pop();
    if (rest !== undefined) {
      yield [pieces.join(""), ...others];
      number += 1 + others.length;
      pieces = [rest];
      length = rest.length;
    }
    if (number > largestTable) {
      throw new UserError(`source: ${path}: expected at most ${largestTable} lines, got more`);
    }
    if (length > longestRow) {
      throw new UserError(
        `source: ${path}, line ${number}: expected at most ${longestRow} characters per line; write one row per line`,
      );
    }
  }
  if (length > 0) yield [pieces.join("")];
}
