import { createReadStream } from "node:fs";
import { pipeline, type Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { UserError } from "@fedclair/core";
import { longestRow } from "./table-file.js";

/** Opens a text file, unzipped if its name ends in `.gz`. Errors reach the reader of the stream. */
export function openText(path: string): Readable {
  const file = createReadStream(path);
  return path.endsWith(".gz") ? pipeline(file, createGunzip(), () => undefined) : file;
}

/**
 * Reads the lines of a text file without holding more than a piece of it.
 * @throws UserError if a line is longer than `longestRow`
 */
export async function* readTextLines(path: string): AsyncGenerator<string> {
  // The pieces of an unfinished line are joined once, because splitting it again with every piece
  // takes quadratic time.
  let pieces: string[] = [];
  let length = 0;
  let number = 1;
  for await (const piece of openText(path).setEncoding("utf8") as AsyncIterable<string>) {
    const [first = "", ...others] = piece.split("\n");
    pieces.push(first);
    length += first.length;
    const rest = others.pop();
    if (rest !== undefined) {
      yield pieces.join("");
      yield* others;
      number += 1 + others.length;
      pieces = [rest];
      length = rest.length;
    }
    if (length > longestRow) {
      throw new UserError(
        `source: ${path}, line ${number}: expected at most ${longestRow} characters per line; write one row per line`,
      );
    }
  }
  if (length > 0) yield pieces.join("");
}
