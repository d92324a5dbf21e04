import { clair, controlKinds, refine } from "@fedclair/clair";
import { toAggregation, withSecretSeed } from "@fedclair/clair/internal";

/** Controls of full power, which are not planted: that takes two thirds of a judgement. */
const power = /** @type {import("@fedclair/clair").Power} */ (
  Object.fromEntries(controlKinds.map((kind) => [kind, 1]))
);

/**
 * Creates an aggregator that judges a single round as CLAIR does, but without positive controls.
 * They only decide whether a client that is not flagged is benign or undecided, so it flags the
 * same clients and returns the same change.
 * @param {import("@fedclair/clair").ClairOptions} options
 * @returns {import("@fedclair/core").Aggregator}
 */
export function quickClair(options) {
  return {
    async aggregate({ updates, rng }) {
      const order = rng.sample([...updates.keys()]);
      const own = withSecretSeed(options, rng);
      const shuffled = order.map((k) => updates[k]);
      const result = await clair(shuffled, own, { power });
      try {
        return toAggregation(updates, result, await refine(result, own), own);
      } finally {
        result.modules.close();
      }
    },
  };
}
