import type { Aggregation } from "./aggregator.js";
import { UserError } from "../words/errors.js";
import { checkStorable } from "./storable.js";
import { excerpt } from "../words/text.js";
import type { Delta } from "../tensors/update.js";

/**
 * Of what an aggregator returned, which may be a plug-in in JavaScript.
 * @param clientIds of the trial
 * @throws UserError if it is something else
 */
export function checkAggregation(
  made: unknown,
  clientIds: readonly string[],
): asserts made is Aggregation {
  const {
    change,
    personal = new Map<string, readonly Delta[]>(),
    verdicts = [],
    state,
  } = (made ?? {}) as Partial<Aggregation>;
  if (made instanceof Promise || !isTerms(change))
    throw new UserError("the aggregator returned no list of changes");
  const isMap = (personal as unknown) instanceof Map;
  if (!isMap || ![...personal.values()].every(isTerms))
    throw new UserError("the aggregator's personal: expected a Map, a list of changes by client");
  const known = new Set(personal.size > 0 ? clientIds : []); // there may be a million
  const stranger = [...personal.keys()].find((id) => !known.has(id));
  if (stranger !== undefined)
    throw new UserError(`the aggregator's personal: there is no client ${excerpt(stranger)}`);
  if (!Array.isArray(verdicts)) throw new UserError("the aggregator's verdicts: expected a list");
  checkStorable("the aggregator's state", state);
}

function isTerms(value: unknown): value is readonly Delta[] {
  return Array.isArray(value) && value.every((term) => term instanceof Map);
}
