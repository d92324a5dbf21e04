import {
  UserError,
  type Aggregation,
  type Aggregator,
  type AggregatorInput,
  type AggregatorPlugin,
  type Registry,
} from "@fedclair/core";
import {
  checkAggregation,
  checkVerdicts,
  choiceSchema,
  errorMessage,
  exitCodes,
  parseYaml,
  type PluginChoice,
} from "@fedclair/core/internal";
import { z } from "zod";

/** An aggregator by name, with its options. */
export interface AggregatorRequest {
  readonly aggregator: string;
  /** Options as `option=value`. */
  readonly set: readonly string[];
  /** Options that hold unless they are set, as YAML within braces. */
  readonly defaults: string;
}

/** @throws UserError for an unknown aggregator or option */
export function parseChoice(
  { aggregator, set, defaults }: AggregatorRequest,
  registry: Registry<AggregatorPlugin>,
): PluginChoice {
  const source = {
    text: `aggregator: { name: ${JSON.stringify(aggregator)}, ${defaults} }`,
    file: "--aggregator",
    hasLines: false,
    what: "options",
    overrides: set.map((one) => `aggregator.${one}`),
  };
  const schema = z.strictObject({ aggregator: choiceSchema(registry, "aggregator") });
  return parseYaml(source).check(schema).aggregator;
}

/**
 * Runs an aggregator and checks its result.
 * @param name of the aggregator, for messages
 * @throws UserError, with exit code 6 if the aggregator fails otherwise or its result is not a
 * valid aggregation
 */
export async function runAggregator(
  name: string,
  aggregator: Aggregator,
  input: AggregatorInput,
  state: unknown,
): Promise<Aggregation> {
  const ids = input.updates.map(({ clientId }) => clientId);
  const result: unknown = await aggregator.aggregate(input, state).catch((error: unknown) => {
    if (error instanceof UserError) throw error;
    throw new UserError(`${name} failed: ${errorMessage(error)}`, exitCodes.stopped);
  });
  try {
    checkAggregation(name, result, ids);
    checkVerdicts(`aggregator '${name}'`, result.verdicts ?? [], ids);
  } catch (error) {
    throw new UserError(errorMessage(error), exitCodes.stopped);
  }
  return result;
}
