import type { Aggregation } from "./contracts.js";
import { UserError } from "./errors.js";
import type { Delta } from "./update.js";

/** Of what an aggregator returned, which may be a plug-in in JavaScript. @throws UserError if it is something else */
export function checkAggregation(made: unknown): asserts made is Aggregation {
  const { change, personal = new Map(), verdicts = [] } = (made ?? {}) as Partial<Aggregation>;
  if (!isTerms(change)) throw new UserError("the aggregator returned no list of changes");
  if (!(personal instanceof Map) || ![...personal.values()].every(isTerms))
    throw new UserError("the aggregator's personal: expected a Map, a list of changes by client");
  if (!Array.isArray(verdicts)) throw new UserError("the aggregator's verdicts: expected a list");
}

function isTerms(value: unknown): value is readonly Delta[] {
  return Array.isArray(value) && value.every((term) => term instanceof Map);
}
