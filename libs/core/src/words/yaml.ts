import { isMap, isScalar, Lexer, LineCounter, parseDocument, visit, type Document } from "yaml";
import { UserError } from "./errors.js";
import { createFaultsError, formatOffset, locateValues, type ParsedYaml } from "./parsed-yaml.js";
import { excerpt, printable } from "./text.js";

/** A YAML text from a user. */
interface Source {
  readonly text: string;
  /** The file's name, for messages. */
  readonly file: string;
  /** Do messages name lines? Default: yes. Set it to false for a text that is not a file. */
  readonly hasLines?: boolean;
  /** The content of the text, for messages about all of it: `trial`, `options`. */
  readonly what: string;
  /** `path=value` texts that replace or add keys, like `task.localSteps=5`; the value is YAML. */
  readonly overrides: readonly string[];
}

/**
 * Reads YAML and applies the overrides.
 * @throws UserError naming file, line and column, with a line per fault
 */
export function parseYaml(source: Source): ParsedYaml {
  const { text, file, what, hasLines = true } = source;
  checkCharacters(text, file);
  const lines = new LineCounter();
  const document = parseBounded(text, file, lines);
  const place = (offset: number) => formatOffset({ lines, file, hasLines }, offset);
  const faults = [...document.errors, ...findRepeatedKeys(document)];
  if (faults.length > 0) {
    // After a tab or too deep a nesting, the parser's other errors mislead.
    const cause = faults.find(({ code }) => misleading.has(code));
    throw createFaultsError(
      cause ? [cause] : faults.sort((x, y) => x.pos[0] - y.pos[0]),
      ({ pos, code, message }) =>
        `${place(pos[0])}: ${code === "RESOURCE_EXHAUSTION" ? "it is nested too deeply" : printable(message, 160)}`,
    );
  }
  const set = source.overrides.map((override) => {
    return { override, path: applyOverride(document, override) };
  });
  const content = readContent(document, file);
  return locateValues({ document, lines, file, hasLines, what, set }, content);
}

/** A fault that the parser or `findRepeatedKeys` has found. */
interface Fault {
  /** Offsets in the text. */
  readonly pos: readonly [number, number];
  readonly code: string;
  readonly message: string;
}

/**
 * The most names, values, signs and line ends of a text, and the most values that its aliases make
 * of it. The parser takes about a second for as many. The names of 40,000 clients in a list fit.
 */
const mostParts = 250_000;

/** How many parts an alias counts as. The parser searches all anchors for that of an alias. */
const partsOfAlias = 250;

/**
 * Parses a text. The time is bounded whatever the text is.
 * @throws UserError if it has too many parts or is nested too deeply
 */
function parseBounded(text: string, file: string, lineCounter?: LineCounter): Document {
  checkDepth(text, file);
  checkParts(text, file);
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // a stack for each error takes most of the time
  try {
    return parseDocument(text, {
      ...(lineCounter && { lineCounter }),
      // With these, repeated keys take quadratic time, nested keys exponential, and errors 20 µs.
      uniqueKeys: false,
      stringKeys: true,
      prettyErrors: false,
      // A directive for YAML 1.1 in the text would have more rules, as for merged keys.
      schema: "core",
      resolveKnownTags: false,
    });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** @throws UserError if the text has more than `mostParts` */
function checkParts(text: string, file: string): void {
  let parts = 0;
  for (const token of new Lexer().lex(text)) {
    parts += token.startsWith("*") ? partsOfAlias : 1;
    if (parts > mostParts) throw tooManyParts(file);
  }
}

function tooManyParts(file: string): UserError {
  return new UserError(
    `${file}: expected at most ${mostParts} names, values, signs and line ends, got more (an alias counts as ${partsOfAlias}): shorten its lists`,
  );
}

/** Finds keys that their mapping has before, in one pass. */
function findRepeatedKeys(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const [start, end] = key.range ?? [0, 0];
        if (seen.has(key.value))
          faults.push({ pos: [start, end], code: "", message: "Map keys must be unique" });
        seen.add(key.value);
      }
    },
  });
  return faults;
}

/** Codes of errors that cause others. */
const misleading: ReadonlySet<string> = new Set(["TAB_AS_INDENT", "RESOURCE_EXHAUSTION"]);

/** Matches control characters that no YAML has: the file is binary. */
const binary = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** @throws UserError naming the first control character */
function checkCharacters(text: string, file: string): void {
  const found = binary.exec(text);
  if (!found) return;
  const before = text.slice(0, found.index).split("\n");
  const place = `${file}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  throw new UserError(`${place}: expected text, got the character ${excerpt(found[0])}`);
}

/**
 * The deepest nesting that is parsed. The parser is recursive, and a regular expression that runs
 * out of stack ends Node.js: 4,000 times `- ` did.
 */
const deepest = 1000;

/**
 * @throws UserError if brackets, or the blocks that begin in a line, are nested too deeply, or if
 * there are more lines than parts
 */
function checkDepth(text: string, file: string): void {
  let depth = 0;
  const lines = text.split("\n");
  if (lines.length > mostParts) throw tooManyParts(file);
  for (const [i, line] of lines.entries()) {
    // A block inside another one begins at least one column further right.
    const [start = ""] = /^ *(?:[-?][ \t]+)*/.exec(line) ?? [];
    for (const [bracket] of line.matchAll(/[[\]{}]/g)) {
      depth = "[{".includes(bracket) ? depth + 1 : Math.max(0, depth - 1);
      if (depth > deepest) break;
    }
    if (start.length > deepest || depth > deepest)
      throw new UserError(`${file}:${i + 1}:1: it is nested too deeply`);
  }
}

/**
 * @throws UserError for an alias without an anchor, for a value that contains itself, or if aliases
 * make too many values
 */
function readContent(document: Document, name: string): unknown {
  let content: unknown;
  try {
    // `countValues` bounds what aliases make, and takes linear time.
    content = document.toJS({ maxAliasCount: -1 });
  } catch (error) {
    throw new UserError(`${name}: ${printable((error as Error).message, 160)}`);
  }
  const values = countValues(content);
  if (Number.isNaN(values))
    throw new UserError(`${name}: an alias stands for a value that contains it`);
  if (values > mostParts) throw tooManyParts(name);
  return content;
}

/**
 * Counts a value and all values in it. One to which several aliases lead counts as often. Returns
 * NaN if a value contains itself.
 */
function countValues(value: unknown, counted = new Map<unknown, number>()): number {
  if (typeof value !== "object" || value === null) return 1;
  const known = counted.get(value);
  if (known !== undefined) return known;
  counted.set(value, NaN);
  let count = 1;
  for (const part of Object.values(value)) count += countValues(part, counted);
  counted.set(value, count);
  return count;
}

/** Applies an override to the document. @returns the path that the override sets */
function applyOverride(document: Document, override: string): readonly (string | number)[] {
  const split = override.indexOf("=");
  if (split < 1) throw new UserError(`--set: expected path=value, got '${excerpt(override)}'`);
  const keys = override.slice(0, split);
  if (/\[\d+\]/.test(keys)) {
    const written = keys.replaceAll(/\.?\[(\d+)\]/g, ".$1").replace(/^\./, "");
    throw new UserError(
      `--set: an entry of a list has its number as a key: expected ${excerpt(written)}=…, got '${excerpt(override)}'`,
    );
  }
  const path = keys
    .split(".")
    .map((key): string | number => (/^\d+$/.test(key) ? Number(key) : key));
  const text = override.slice(split + 1);
  const parsed = parseBounded(text, `--set ${excerpt(override)}`);
  if (parsed.errors.length > 0 || findRepeatedKeys(parsed).length > 0) {
    throw new UserError(`--set: the value of '${excerpt(override)}' is no YAML`);
  }
  const value = readContent(parsed, `--set ${excerpt(override)}`);
  expandBareName(document, path);
  for (const [depth, key] of path.entries()) {
    // A number is the place in a list; the keys of a mapping are texts.
    if (isMap(document.getIn(path.slice(0, depth), true))) path[depth] = String(key);
  }
  try {
    document.setIn(path, value);
  } catch {
    throw new UserError(`--set: ${excerpt(path.join("."))} leads through a value that has no keys`);
  }
  return path;
}

/**
 * Expands a bare name that an override leads through. `rule: gap` is short for `rule: { by: gap }`,
 * so `rule.minGap=1.2` adds a key to that mapping.
 */
function expandBareName(document: Document, path: readonly (string | number)[]): void {
  for (let depth = 1; depth < path.length; depth++) {
    const parent = path.slice(0, depth);
    const value = document.getIn(parent);
    if (typeof value === "string") document.setIn(parent, document.createNode({ by: value }));
  }
}
