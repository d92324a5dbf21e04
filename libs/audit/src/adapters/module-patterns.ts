import { UserError } from "@fedclair/core";
import { RE2JS } from "re2js";

/*
 * The keys of `alpha_pattern` and `rank_pattern`. PEFT matches `(.*\.)?(key)$` with the name of a
 * module. The keys come from clients, so they are matched by an engine that takes linear time:
 * RE2, which has no backreferences and no lookaround.
 */

/**
 * Maximum length of a key after its counted repetitions are written out. It limits the time and
 * memory of compiling the key.
 */
const maxLength = 20_000;

/** Maximum length of all keys that are not plain names, counted in the same way. */
const maxTotalLength = 200_000;

/** Maximum number of steps of matching all keys with all modules, about 15 s of computing. */
const maxSteps = 1e9;

/** Keys in a message are cut to this length. */
const shownLength = 80;

/** Matches a module name; `.` matches any character, and `\.` only a dot. */
const plainName = /^\^?(?:[\w.-]|\\\.)+$/;

/** Describes the first key that cannot be used; undefined if there is none. */
export function findPatternFault(
  patterns: readonly string[],
): { readonly pattern: string; readonly message: string } | undefined {
  let total = 0;
  for (const pattern of patterns) {
    if (plainName.test(pattern)) continue;
    const length = measureExpanded(pattern);
    total += length;
    const fault = (message: string) => ({ pattern: cutText(pattern), message });
    if (length > maxLength) {
      return fault(
        `expected at most ${maxLength} characters with repetitions written out, got ${length}`,
      );
    }
    if (total > maxTotalLength) {
      return fault(
        `expected at most ${maxTotalLength} characters of regular expressions altogether`,
      );
    }
    if (compilePattern(pattern) === undefined) {
      return fault(
        "expected module names or regular expressions without backreferences and lookaround (the syntax that RE2 and Python share)",
      );
    }
  }
  return undefined;
}

/**
 * Finds the value of the first key that matches each module.
 * @param names of modules in the base model
 * @param option named in errors
 * @returns values by module; modules that no key matches are absent
 * @throws UserError if matching would take too long
 */
export function matchPatterns<T>(
  patterns: Readonly<Record<string, T>> | null | undefined,
  names: Iterable<string>,
  option: string,
): Map<string, T> {
  const values = new Map<string, T>();
  const entries = Object.entries(patterns ?? {});
  if (entries.length === 0) return values;
  const rest = new Set(names);
  const plain = entries.filter(([pattern]) => plainName.test(pattern)).length;
  let letters = 0;
  for (const name of rest) letters += name.length;
  const steps = entries.reduce(
    (sum, [pattern]) => sum + (plainName.test(pattern) ? 0 : measureExpanded(pattern) * letters),
    plain * rest.size,
  );
  if (steps > maxSteps) {
    throw new UserError(
      `${option}: expected fewer or shorter patterns for ${rest.size} modules: matching takes up to ${steps.toPrecision(2)} steps, at most ${maxSteps.toPrecision(2)} are allowed`,
    );
  }
  // One pattern at a time, because each compiled pattern takes up to 8 MB.
  for (const [pattern, value] of entries) {
    const matches = createMatcher(pattern);
    for (const name of rest) {
      if (!matches(name)) continue;
      values.set(name, value);
      rest.delete(name);
    }
  }
  return values;
}

function createMatcher(pattern: string): (name: string) => boolean {
  if (plainName.test(pattern)) {
    const isWhole = pattern.startsWith("^");
    // A control character stands for `\.`, which matches only a dot.
    const text = pattern.slice(isWhole ? 1 : 0).replaceAll("\\.", "\0");
    return (name) => matchesPlainName(name, text, isWhole);
  }
  const compiled = compilePattern(pattern);
  return (name) => compiled?.test(name) === true;
}

/** Tests if a name is `text`, or unless `isWhole` ends with a dot and `text`. */
function matchesPlainName(name: string, text: string, isWhole: boolean): boolean {
  const start = name.length - text.length;
  if (start < 0 || (start > 0 && (isWhole || name[start - 1] !== "."))) return false;
  for (let i = text.length - 1; i >= 0; i--) {
    const [wanted, got] = [text[i], name[start + i]];
    if (wanted !== "." && got !== (wanted === "\0" ? "." : wanted)) return false;
  }
  return true;
}

/** Python reads `{,n}` as a count and `[:` as a plain class, and has no \C, \E, \p, \P, \Q, \z. */
const notShared = /^(?:\{,|\[:|\\[CEpPQz])$/;

/**
 * Compiles a key. Python's `\Z` is RE2's `\z`.
 * @returns undefined if RE2 does not accept it, or Python reads it differently
 */
function compilePattern(pattern: string): RE2JS | undefined {
  const tokens = pattern.match(/\\[^]|\{,|\[:|[^]/g) ?? [];
  if (tokens.some((token) => notShared.test(token))) return undefined;
  const translated = tokens.map((token) => (token === "\\Z" ? "\\z" : token)).join("");
  try {
    return RE2JS.compile(`^(.*\\.)?(${translated})$`);
  } catch {
    return undefined;
  }
}

/** Returns an upper limit of the length of a pattern with its counted repetitions written out. */
function measureExpanded(pattern: string): number {
  let length = pattern.length;
  for (const [, low = "", high = ""] of pattern.matchAll(/\{(\d*)(?:,(\d*))?\}/g)) {
    length *= Math.max(1, Number(low), Number(high));
  }
  return length;
}

function cutText(text: string): string {
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
