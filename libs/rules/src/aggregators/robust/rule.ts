import {
  binaryVerdict,
  type Aggregation,
  type AggregatorPlugin,
  type Delta,
  type Update,
  type Verdict,
} from "@fedclair/core";
import { item, type Stream } from "@fedclair/linalg";
import { z } from "zod";
import { countPresumedContaminated, fraction } from "./contaminated.js";
import { Mixture } from "./mixture.js";

/** The result of a robust rule. */
export interface RuleResult {
  readonly change: Delta[];
  /** Indices of the points that the change is made of, ascending, if the rule selects some. */
  readonly selected?: readonly number[];
  /** A score for each point, if the rule judges them. */
  readonly scores?: ArrayLike<number>;
  /** Points with a larger score are outliers; null: there is none. */
  readonly threshold?: number | null;
  /** The f that the rule used, if it lowered the given one. */
  readonly f?: number;
}

/**
 * Aggregates points without weights.
 * @param f the number of points that may be contaminated, below half of them
 */
export type Rule = (points: Mixture, f: number, rng: Stream) => Promise<RuleResult>;

/** Applies a rule to the updates of a round, and flags the clients that it takes for outliers. */
export async function aggregateByRule(
  rule: Rule,
  updates: readonly Update[],
  share: number,
  rng: Stream,
): Promise<Aggregation> {
  const points = Mixture.of(updates);
  const presumed = countPresumedContaminated(share, points.count);
  const result = await rule(points, presumed, rng);
  const { change, scores, threshold = null, f = presumed } = result;
  const verdicts = scores && createVerdicts(points.updates, scores, threshold);
  return { change, ...(verdicts && { verdicts }), metrics: { f } };
}

/** Flags the clients whose score exceeds the threshold; null: none. */
export function createVerdicts(
  updates: readonly Update[],
  scores: ArrayLike<number>,
  threshold: number | null,
): Verdict[] {
  return updates.map(({ clientId }, k) => {
    const score = item(scores, k);
    return binaryVerdict(clientId, threshold !== null && score > threshold, score, threshold);
  });
}

/** What an aggregator is called, and what is special about it. */
type RulePlugin = Pick<AggregatorPlugin, "name" | "summary"> & {
  /** The option `fraction`, if the rule describes it in words of its own. */
  readonly option?: typeof fraction;
  /** Throws a UserError if the rule does not support this f. */
  readonly checkF?: (f: number) => void;
};

/** Creates the aggregator of a rule whose only option is the share of contaminated clients. */
export function createRulePlugin(
  rule: Rule,
  { name, summary, option = fraction, checkF = () => undefined }: RulePlugin,
): AggregatorPlugin {
  return {
    name,
    summary,
    acceptsStale: true,
    schema: z.strictObject({ fraction: option }),
    create: ({ fraction }: { readonly fraction: number }) => ({
      checkClients: (_, cohort) => {
        checkF(countPresumedContaminated(fraction, cohort));
      },
      aggregate: ({ updates, rng }) => aggregateByRule(rule, updates, fraction, rng),
    }),
  };
}
