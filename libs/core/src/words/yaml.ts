import { LineCounter, parseDocument, type Document } from "yaml";
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
  checkDepth(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const place = (offset: number) => formatOffset({ lines, file, hasLines }, offset);
  if (document.errors.length > 0) {
    // After a tab or too deep a nesting, the parser's other errors mislead.
    const cause = document.errors.find(({ code }) => misleading.has(code));
    throw createFaultsError(
      (cause ? [cause] : document.errors).map(
        ({ pos, code, message }) =>
          `${place(pos[0])}: ${code === "RESOURCE_EXHAUSTION" ? "it is nested too deeply" : formatYamlMessage(message)}`,
      ),
    );
  }
  const set = source.overrides.map((override) => {
    return { override, path: applyOverride(document, override) };
  });
  const content = readContent(document, file);
  return locateValues({ document, lines, file, hasLines, what, set }, content);
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

/** @throws UserError if brackets, or the blocks that begin in a line, are nested too deeply */
function checkDepth(text: string, file: string): void {
  let depth = 0;
  for (const [i, line] of text.split("\n").entries()) {
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
 * Formats a message of the YAML parser, without the lines of the file that the parser quotes. The
 * message may contain a key or an alias of the file, so it is escaped.
 */
function formatYamlMessage(message: string): string {
  return printable(message.replace(/ at line \d+, column \d+:[^]*$/, ""), 160);
}

/**
 * @throws UserError for an alias without an anchor, for too many aliases, or for a value that
 * contains itself
 */
function readContent(document: Document, name: string): unknown {
  let content: unknown;
  try {
    content = document.toJS();
  } catch (error) {
    throw new UserError(`${name}: ${formatYamlMessage((error as Error).message)}`);
  }
  if (!containsItself(content)) return content;
  throw new UserError(`${name}: an alias stands for a value that contains it`);
}

function containsItself(value: unknown, outer = new Set<unknown>()): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (outer.has(value)) return true;
  outer.add(value);
  const found = Object.values(value).some((part) => containsItself(part, outer));
  outer.delete(value);
  return found;
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
  const path = keys.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key));
  const text = override.slice(split + 1);
  checkDepth(text, `--set ${excerpt(override)}`);
  const parsed = parseDocument(text);
  if (parsed.errors.length > 0) {
    throw new UserError(`--set: the value of '${excerpt(override)}' is no YAML`);
  }
  const value = readContent(parsed, `--set ${excerpt(override)}`);
  expandBareName(document, path);
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
