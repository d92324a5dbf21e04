import { binaryVerdict } from "@fedclair/core";
import type { Aggregation, AggregatorPlugin, Update, Verdict } from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { z } from "zod";
import { combineProducts } from "../products.js";
import { fraction, countPresumedContaminated } from "../robust/contaminated.js";
import { gramOf, squaredDistances } from "../robust/gram.js";
import { sortById, groupByModule } from "../robust/modules.js";
import { sortByScore, computeKrumScores } from "./scores.js";

const schema = z.strictObject({ fraction });

/**
 * Krum (Blanchard et al., NeurIPS 2017): the change of the one client whose K - f - 2 nearest
 * neighbours are closest. Low-rank pairs stay pairs.
 */
export const krumAggregator: AggregatorPlugin = {
  name: "krum",
  summary: "The change of the one client that is closest to its neighbours.",
  acceptsStale: true,
  schema,
  create: ({ fraction }: z.infer<typeof schema>) => ({
    aggregate: ({ updates }) => aggregateByKrum(updates, fraction, () => 1),
  }),
};

/**
 * Averages the clients with the best Krum scores. The verdicts follow the assumption of the rule
 * and do not depend on the number of averaged clients: the f clients with the worst scores are
 * reported as contaminated. On equal scores the first client id wins.
 * @param averaged returns how many of the K clients are averaged
 */
export async function aggregateByKrum(
  unordered: readonly Update[],
  fraction: number,
  averaged: (count: number, f: number) => number,
): Promise<Aggregation> {
  const updates = sortById(unordered);
  const count = updates.length;
  const f = countPresumedContaminated(fraction, count);
  const gram = await gramOf([...groupByModule(updates).values()]);
  const scores = computeKrumScores(squaredDistances(gram), f);
  const order = sortByScore(scores);
  const chosen = new Set(order.slice(0, averaged(count, f)));
  const weights = updates.map((_, k) => (chosen.has(k) ? 1 / chosen.size : 0));
  const threshold = f === 0 ? null : (scores[order[count - f - 1] ?? 0] ?? null);
  const verdicts = updates.map(({ clientId }, k): Verdict => {
    const score = item(scores, k);
    return binaryVerdict(clientId, threshold !== null && score > threshold, score, threshold);
  });
  return { change: await combineProducts(updates, weights), verdicts, metrics: { f } };
}
