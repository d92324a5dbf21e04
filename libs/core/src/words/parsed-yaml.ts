import { isMap, isScalar, type Document, type LineCounter } from "yaml";
import type { z } from "zod";
import { UserError } from "./errors.js";
import { explainIssue, formatIssue, separateIssues } from "./issues.js";
import { excerpt } from "./text.js";

/** Values from a YAML text, with their places in it. */
export interface ParsedYaml {
  /** The values, not yet checked. */
  readonly content: unknown;
  /** Does the value at a path, or a value that contains it, come from an override? */
  readonly isOverridden: (path: readonly string[]) => boolean;
  /** Returns where the value at a path stands, for messages: file, line and column, or override. */
  readonly place: (path: readonly string[]) => string;
  /**
   * Checks the values by a schema.
   * @throws UserError with a line per fault: file, line, column, the offending value and the
   * expected one
   */
  check<T>(schema: z.ZodType<T>): T;
  /**
   * Returns other values made of these, such as one trial of a sweep.
   * @param origin the path in the text of the value at a path of `content`
   * @param file the name for messages
   */
  vary(
    content: unknown,
    origin: (path: readonly string[]) => readonly string[],
    file: string,
  ): ParsedYaml;
}

/** A parsed YAML text. */
interface YamlText {
  readonly document: Document;
  readonly lines: LineCounter;
  /** The file's name, for messages. */
  readonly file: string;
  /** Do messages name lines? */
  readonly hasLines: boolean;
  /** The content of the text, for messages about all of it. */
  readonly what: string;
  /** The overrides that were applied, with the paths that they set. */
  readonly set: readonly {
    readonly override: string;
    readonly path: readonly (string | number)[];
  }[];
}

/** Joins values with the text that they were read from. */
export function locateValues(
  text: YamlText,
  content: unknown,
  origin: (path: readonly string[]) => readonly string[] = (path) => path,
  source = text.file,
): ParsedYaml {
  const { document, set, what } = text;
  const placeOf = (
    by: { readonly override: string } | undefined,
    offset: () => number | undefined,
  ) => {
    if (!by) return formatOffset({ ...text, file: source }, offset());
    const override = `--set ${excerpt(by.override)}`;
    return source === text.file ? override : `${source}: ${override}`;
  };
  const setAround = (path: readonly string[]) =>
    set.findLast((s) => s.path.every((key, i) => String(key) === path[i]));
  const describeFault = (issue: z.core.$ZodIssue): string => {
    const path = issue.path.map(String);
    const [key] = issue.code === "unrecognized_keys" ? issue.keys : [];
    const own = origin(path);
    const full = key === undefined ? own : [...own, key];
    // The override may set the faulty value, or a value around or below it.
    const by = set.findLast((s) =>
      s.path.slice(0, full.length).every((k, i) => String(k) === full[i]),
    );
    const where = placeOf(by, () =>
      key === undefined ? findOffset(document, own) : findKeyOffset(document, own, key),
    );
    return `${where}: ${excerpt(path.join(".")) || what}: ${explainIssue(issue, content)}`;
  };
  return {
    content,
    place: (path) => placeOf(setAround(origin(path)), () => findOffset(document, origin(path))),
    isOverridden: (path) => setAround(origin(path)) !== undefined,
    check: (schema) => {
      if (content === null) {
        const where = formatOffset({ ...text, file: source }, 0);
        throw new UserError(`${where}: the ${what} is empty: expected keys with values`);
      }
      const result = schema.safeParse(content, { reportInput: true, error: formatIssue });
      if (result.success) return result.data;
      const issues = result.error.issues.flatMap(separateIssues);
      const first = new Set(issues.slice(0, mostLocated).map(describeFault));
      const faults = [...first, ...issues.slice(mostLocated)];
      throw createFaultsError(faults, (one) =>
        typeof one === "string" ? one : describeFault(one),
      );
    },
    vary: (varied, from, file) => locateValues(text, varied, (path) => origin(from(path)), file),
  };
}

/** Formats a place in a text: file, line and column. */
export function formatOffset(
  { lines, file, hasLines }: Pick<YamlText, "lines" | "file" | "hasLines">,
  offset: number | undefined,
): string {
  if (offset === undefined || !hasLines) return file;
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

/** The largest number of faults that an error lists: a file that is not YAML may have thousands. */
const mostFaults = 20;

/** The largest number of faults of which equal ones are found. To locate one takes linear time. */
const mostLocated = 500;

export function createFaultsError<T>(
  faults: readonly T[],
  format: (fault: T) => string,
): UserError {
  const more = faults.length - mostFaults;
  const rest = more > 0 ? [`… and ${more} more`] : [];
  return new UserError([...faults.slice(0, mostFaults).map(format), ...rest].join("\n"));
}

/**
 * Finds the offset of the value at `path` in the text. For a missing value it is the offset of the
 * nearest ancestor.
 */
function findOffset(document: Document, path: readonly string[]): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const range = rangeOf(document.getIn(path.slice(0, depth), true));
    if (range) return range[0];
  }
  return rangeOf(document.contents)?.[0] ?? 0;
}

/** Finds the offset of `key` in the mapping at `path`. */
function findKeyOffset(
  document: Document,
  path: readonly string[],
  key: string,
): number | undefined {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(map) && map.items.find((item) => isScalar(item.key) && item.key.value === key);
  return (pair && rangeOf(pair.key)?.[0]) || findOffset(document, path);
}

function rangeOf(node: unknown): readonly number[] | null | undefined {
  return (node as { range?: readonly number[] } | null | undefined)?.range;
}
