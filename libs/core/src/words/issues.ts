import type { z } from "zod";
import { didYouMean } from "./did-you-mean.js";
import { excerpt } from "./text.js";

/** The largest number of unknown keys for which a similar key is looked up. */
const mostSuggestions = 20;

/** The largest length of a list of known keys that is shown, in characters. */
const longestList = 180;

/** Replaces Zod's messages that are not written for users. */
export const formatIssue: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys((issue.inst as Partial<z.ZodObject> | undefined)?.shape ?? {});
    const advice = issue.keys.map((key, i) => (i < mostSuggestions ? didYouMean(key, known) : ""));
    // The first key that resembles none gets the list of all, if it is short.
    const list = known.join(", ");
    const unlike = list !== "" && list.length <= longestList ? advice.indexOf("") : -1;
    if (unlike >= 0) advice[unlike] = `${describeKind(issue)}; expected one of ${list}`;
    // `separateIssues` splits the lines again; an excerpt is always one line.
    return issue.keys.map((key, i) => `unknown key '${excerpt(key)}'${advice[i]}`).join("\n");
  }
  if (issue.code === "invalid_type" && issue.expected === "int") return "expected an integer";
  if (issue.code === "not_multiple_of") return `expected a multiple of ${issue.divisor}`;
  if (issue.code === "too_small") return formatBound(issue, issue.minimum, "at least", "more than");
  if (issue.code === "too_big") return formatBound(issue, issue.maximum, "at most", "less than");
  return undefined;
};

/** Names the kind that a mapping chooses by `by` or `name`, which decides its other keys. */
function describeKind(issue: z.core.$ZodRawIssue<z.core.$ZodIssueUnrecognizedKeys>): string {
  const { by } = (issue.input ?? {}) as { readonly by?: unknown };
  return typeof by === "string"
    ? ` beside by: ${by} (to change that by --set, set the whole mapping)`
    : "";
}

type BoundIssue = z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig>;

/** Formats a bound of a number, of a text's length or of a list's length. */
function formatBound(
  { origin, inclusive = true, exact = false, input }: BoundIssue,
  bound: number | bigint,
  within: string,
  beyond: string,
): string | undefined {
  const limit = `expected ${exact ? "exactly" : inclusive ? within : beyond} ${bound}`;
  const plural = Number(bound) === 1 ? ["character", "entry"] : ["characters", "entries"];
  if (origin === "string") return `${limit} ${plural[0]}`;
  if (origin === "number" || origin === "int" || origin === "bigint") return limit;
  if (origin !== "array" || !Array.isArray(input)) return undefined;
  return `${limit} ${plural[1]}, got ${input.length || "none"}`;
}

/**
 * Separates an issue into those that have one fault each: one for each unknown key, and for a union
 * those of one branch if that branch was clearly meant, which say more than the union's own issue.
 */
export function separateIssues(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code === "unrecognized_keys") {
    const messages = issue.message.split("\n");
    return issue.keys.map((key, i) => ({
      ...issue,
      keys: [key],
      message: messages[i] ?? issue.message,
    }));
  }
  if (issue.code !== "invalid_union") return [issue];
  const meant = issue.errors
    .filter((inner) =>
      inner.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
    )
    .sort((a, b) => countFaults(a) - countFaults(b))[0];
  if (!meant) return [explainUnion(issue)];
  return meant.flatMap((inner) =>
    separateIssues({ ...inner, path: [...issue.path, ...inner.path] }),
  );
}

/** Counts faults, each unknown key as one. The branch with the fewest is the one that was meant. */
function countFaults(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce(
    (total, issue) => total + (issue.code === "unrecognized_keys" ? issue.keys.length : 1),
    0,
  );
}

/**
 * Lists what a union's branches expect, because Zod's message is only that the input is invalid.
 */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue {
  if (issue.message !== "Invalid input") return issue;
  const choices = issue.errors.flatMap(([first]) =>
    first ? [extractExpectation(first.message).replace(/^expected /, "")] : [],
  );
  return { ...issue, message: `expected ${[...new Set(choices)].join(" or ")}` };
}

/** Reduces a message of Zod to what was expected. */
function extractExpectation(message: string): string {
  return message
    .replace(/^Invalid (input|option|string|number): /, "")
    .replace(/^must /, "expected a text that must ")
    .replace(/, received .*$/, "");
}

/** Explains an issue: what was expected, and the value in `content` if it is short. */
export function explainIssue(issue: z.core.$ZodIssue, content: unknown): string {
  const message = extractExpectation(issue.message);
  // These messages are complete, and a whole mapping or list would only repeat the file.
  if (issue.code === "custom" || issue.code === "unrecognized_keys") return message;
  const value = issue.path.reduce<unknown>(
    (node, key) => (node as Partial<Record<PropertyKey, unknown>> | undefined)?.[key],
    content,
  );
  if (value === undefined) return `missing, ${message}`;
  const isMisplaced = Array.isArray(value) && issue.code.startsWith("invalid");
  if (isMisplaced && !message.includes(", got ")) return `${message}, got a list`;
  if (typeof value === "object") return message;
  return `${message}, got ${typeof value === "string" ? `"${excerpt(value)}"` : `${value as number}`}`;
}

/**
 * Checks a value that is not from a YAML text.
 * @returns the checked value, or the faults as `path: what was expected`
 */
export function checkValue<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { readonly data?: T; readonly faults: readonly string[] } {
  const { data, error } = schema.safeParse(value, { reportInput: true, error: formatIssue });
  if (!error) return { data, faults: [] };
  const faults = error.issues
    .flatMap(separateIssues)
    .map((issue) =>
      [issue.path.map(String).join("."), explainIssue(issue, value)].filter(Boolean).join(": "),
    );
  return { faults };
}
