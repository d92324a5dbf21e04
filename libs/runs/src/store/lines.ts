import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { excerpt, UserError } from "@fedclair/core";
import { errorMessage, isName } from "@fedclair/core/internal";
import { isConfined, openRegularFile } from "./regular-file.js";

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
  let number = 0;
  for await (const line of streamLines(join(folder, file))) {
    yield parseLine(line, folder, file, ++number) as T;
  }
}

/** A JSON object with any values. */
type AnyObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is AnyObject =>
  typeof value === "object" && value !== null;

const isListOf = (value: unknown, isOne: (entry: AnyObject) => boolean): boolean =>
  Array.isArray(value) && value.every((entry) => isObject(entry) && isOne(entry));

/** NaN and infinite numbers are null in JSON. */
const isNumber = (value: unknown) => value === null || typeof value === "number";
const isString = (value: unknown) => typeof value === "string";
/** Whether a client or an arm can have it: a longer one could hide others on a page. */
const isNameOf = (value: unknown) => typeof value === "string" && isName(value);
const isText = (value: unknown) => value === null || isString(value);
const areNumbers = (value: unknown) => isObject(value) && Object.values(value).every(isNumber);

/** What the commands compute with or print of a client in a record; each may be missing. */
const clientForm: Readonly<Record<string, (value: unknown) => boolean>> = {
  attack: isText,
  failure: (value) => value === null || (isObject(value) && isText(value["message"])),
  seconds: isNumber,
  staleness: isNumber,
  numExamples: isNumber,
  train: areNumbers,
  evaluation: areNumbers,
  verdict: isText,
  score: isNumber,
  threshold: isNumber,
  reason: isString,
  evidence: (value) =>
    isListOf(value, ({ statistic, deviations }) => isNumber(statistic) && isNumber(deviations)),
  modules: (value) => isListOf(value, ({ module, ratio }) => isString(module) && isNumber(ratio)),
};

function isClient(client: AnyObject): boolean {
  if (!isNameOf(client["clientId"])) return false;
  for (const key in clientForm) {
    if (client[key] !== undefined && clientForm[key]?.(client[key]) === false) return false;
  }
  return true;
}

const isComplete: Readonly<Record<LinesFile, (line: AnyObject) => boolean>> = {
  "records.jsonl": ({ clients, metrics, bytes, cleared = [] }) =>
    isListOf(clients, isClient) &&
    areNumbers(metrics) &&
    areNumbers(bytes) &&
    Array.isArray(cleared) &&
    cleared.every(isNameOf),
  "timings.jsonl": ({ seconds }) => areNumbers(seconds),
  "artifacts.jsonl": ({ name }) => isString(name),
};

/** @throws UserError if the line is not JSON, or lacks what a line of the file has */
export function parseLine(line: string, folder: string, file: LinesFile, number: number): unknown {
  const place = `${join(folder, file)}:${number}`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new UserError(`${place}: expected JSON: ${errorMessage(error)}; run the trial again`);
  }
  if (
    isObject(value) &&
    isNameOf(value["arm"]) &&
    Number.isInteger(value["round"]) &&
    isComplete[file](value)
  )
    return value;
  throw new UserError(
    `${place}: expected what a run writes about a round, got ${excerpt(line)}; run the trial again`,
  );
}

/** Node.js cannot make a string of more than 512 MB. */
const longestLine = 2 ** 28;

/**
 * The longest line that the live page reads. A round of 60,000 clients fits, and JSON of as many
 * bytes keeps the process busy for a second at most.
 */
const longestServedLine = 2 ** 24;

/**
 * Streams the lines of a file, because a file may be longer than the longest string. Yields nothing
 * if there is no file. `readline` is not an option: it also splits at a U+2028 in a JSON string.
 * Text after the last line feed comes from a run that was killed while writing, and is dropped.
 * @param range the bytes to read, from `start` up to but without `end`; default: all
 * @throws UserError if it is not a regular file, or a line is longer than any that a run writes
 */
export async function* streamLines(
  path: string,
  { start = 0, end = Infinity }: { readonly start?: number; readonly end?: number } = {},
): AsyncGenerator<string> {
  if (end <= start || !existsSync(path)) return;
  const range = { fd: openRegularFile(path), start, end: end - 1 };
  const options = { encoding: "utf8", highWaterMark: 2 ** 20, ...range } as const;
  // The pieces of an unfinished line are joined once, because splitting it again with every chunk
  // takes quadratic time.
  let pieces: string[] = [];
  let length = 0;
  const longest = isConfined() ? longestServedLine : longestLine;
  for await (const chunk of createReadStream(path, options)) {
    const [first = "", ...others] = String(chunk).split("\n");
    pieces.push(first);
    length += first.length;
    if (length > longest) {
      const advice = isConfined() ? "use fedclair report" : "run the trial again";
      throw new UserError(`'${path}': expected lines of at most ${longest} characters; ${advice}`);
    }
    const rest = others.pop();
    if (rest !== undefined) {
      yield pieces.join("");
      yield* others;
      pieces = [rest];
      length = rest.length;
    }
  }
}
