import type { Aggregation } from "./aggregator.js";
import { checkJson } from "./artifacts.js";
import { UserError } from "../words/errors.js";
import { checkStorable } from "./storable.js";
import { describeValue } from "../words/describe-value.js";
import { excerpt } from "../words/text.js";

/** The largest size of the list of kinds and of a notice, in characters as JSON. */
const maxTextLength = 4096;

/**
 * Checks the result of an aggregator, which may be a plug-in written in JavaScript.
 * @param name the aggregator's name, for messages
 * @param clientIds all clients of the trial
 * @throws UserError if it is not an aggregation
 */
export function checkAggregation(
  name: string,
  result: unknown,
  clientIds: readonly string[],
): asserts result is Aggregation {
  const whose = `aggregator '${name}'`;
  if (typeof result !== "object" || result === null || result instanceof Promise)
    throw createChangeFault(whose, describeValue(result));
  const {
    change,
    personal = new Map<never, never>(),
    refined = new Set(),
    verdicts = [],
    cleared = [],
    notice = "",
    state,
  }: { readonly [K in keyof Aggregation]?: unknown } = result;
  const odd = findOddTerm(change, "change");
  if (odd !== undefined) throw createChangeFault(whose, odd);
  checkPersonal(whose, personal, clientIds);
  if (!(refined instanceof Set))
    throw new UserError(`${whose}: refined: expected a Set of ids, got ${describeValue(refined)}`);
  if (!Array.isArray(verdicts))
    throw new UserError(`${whose}: verdicts: expected a list, got ${describeValue(verdicts)}`);
  if (!Array.isArray(cleared) || !cleared.every((kind) => typeof kind === "string"))
    throw new UserError(
      `${whose}: cleared: expected a list of kinds, got ${describeValue(cleared)}`,
    );
  checkJson(`${whose}: cleared`, cleared, maxTextLength);
  if (typeof notice !== "string")
    throw new UserError(`${whose}: notice: expected a sentence, got ${describeValue(notice)}`);
  checkJson(`${whose}: notice`, notice, maxTextLength);
  checkStorable(`${whose}: state`, state);
}

function createChangeFault(whose: string, got: string): UserError {
  return new UserError(
    `${whose} returned no list of changes: expected { change }, an array of Maps of tensors by module, got ${got}`,
  );
}

function checkPersonal(whose: string, personal: unknown, clientIds: readonly string[]): void {
  const fail = (got: string) =>
    new UserError(`${whose}: personal: expected a Map, a list of changes by client, got ${got}`);
  if (!(personal instanceof Map)) throw fail(describeValue(personal));
  const allIds = new Set(personal.size > 0 ? clientIds : []); // up to a million
  for (const [id, terms] of personal as ReadonlyMap<unknown, unknown>) {
    const client = excerpt(String(id));
    if (!allIds.has(id as string))
      throw new UserError(`${whose}: personal: there is no client ${client}`);
    const odd = findOddTerm(terms, `the changes of ${client}`);
    if (odd !== undefined) throw fail(odd);
  }
}

/** Describes the first part of a value that is not a list of changes; undefined if it is one. */
function findOddTerm(terms: unknown, path: string): string | undefined {
  if (!Array.isArray(terms)) return `${path}: ${describeValue(terms)}`;
  for (const [i, term] of (terms as readonly unknown[]).entries()) {
    if (!(term instanceof Map)) return `${path}[${i}]: ${describeValue(term)}`;
    for (const [module, tensor] of term as ReadonlyMap<unknown, unknown>) {
      if (isTensor(tensor)) continue;
      const { a, b } = (tensor ?? {}) as Readonly<Record<string, unknown>>;
      if (isTensor(a) && isTensor(b)) continue;
      const got = describeValue(tensor);
      return `${path}[${i}], module ${excerpt(String(module))}: ${got} without a list shape`;
    }
  }
  return undefined;
}

function isTensor(value: unknown): boolean {
  return Array.isArray((value as { readonly shape?: unknown } | null | undefined)?.shape);
}
