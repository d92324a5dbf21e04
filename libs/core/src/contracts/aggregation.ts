import type { Aggregation } from "./aggregator.js";
import { UserError } from "../words/errors.js";
import { checkStorable } from "./storable.js";
import { excerpt } from "../words/text.js";
import type { Delta } from "../tensors/update.js";

/**
 * Checks the result of an aggregator, which may be a plug-in written in JavaScript.
 * @param clientIds all clients of the trial
 * @throws UserError if it is not an aggregation
 */
export function checkAggregation(
  result: unknown,
  clientIds: readonly string[],
): asserts result is Aggregation {
  const {
    change,
    personal = new Map<string, readonly Delta[]>(),
    verdicts = [],
    state,
  } = (result ?? {}) as Partial<Aggregation>;
  if (result instanceof Promise || !isTerms(change))
    throw new UserError("the aggregator returned no list of changes");
  const isMap = (personal as unknown) instanceof Map;
  if (!isMap || ![...personal.values()].every(isTerms))
    throw new UserError("the aggregator's personal: expected a Map, a list of changes by client");
  const allIds = new Set(personal.size > 0 ? clientIds : []); // up to a million
  const unknown = [...personal.keys()].find((id) => !allIds.has(id));
  if (unknown !== undefined)
    throw new UserError(`the aggregator's personal: there is no client ${excerpt(unknown)}`);
  if (!Array.isArray(verdicts)) throw new UserError("the aggregator's verdicts: expected a list");
  checkStorable("the aggregator's state", state);
}

function isTerms(value: unknown): value is readonly Delta[] {
  return Array.isArray(value) && value.every((term) => term instanceof Map);
}
