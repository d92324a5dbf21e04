import { toFloat64 } from "@fedclair/core";
import { inner } from "./forge.js";

/**
 * @typedef {object} Damage one attack in one round
 * @property {number} harm share of the round's progress that is lost
 * @property {boolean} isFlagged whether the rule flags an attacker
 * @property {number} falseAlarms honest clients that are flagged
 */

/**
 * Applies a rule to a round with forged updates. Harm is 1 - ⟨Δ, μ⟩/|μ|², where Δ is the rule's
 * change and μ the mean of the honest updates. It is 0 if the model moves as far along μ as without
 * attackers, 1 if it does not move, and more if it moves back. Since -μ is about the gradient, this
 * is the share of the decrease of the loss that is lost, to first order.
 * @param {import("@fedclair/core").Aggregator} aggregator with one global change
 * @param {ReturnType<typeof import("./forge.js").readRound>} round
 * @param {readonly import("@fedclair/core").Update[]} forged of the attackers
 * @returns {Promise<Damage>}
 */
export async function measureRound(aggregator, { honest, mean, slices, rng }, forged) {
  const attackers = new Set(forged.map(({ clientId }) => clientId));
  // As in a trial, the order of the updates does not reveal who is contaminated.
  const updates = [...honest, ...forged].sort((x, y) => (x.clientId < y.clientId ? -1 : 1));
  const input = { round: 1, phase: "train", updates, rng: rng.at("aggregate") };
  const { change, personal, verdicts = [] } = await aggregator.aggregate(input);
  if (personal !== undefined) {
    throw new Error("expected an aggregator with one global change, got personal ones");
  }
  const along = change.flatMap((term) =>
    [...term].map(([name, module]) => inner(toFloat64(module), mean.subarray(...slices.get(name)))),
  );
  const flagged = verdicts.filter(({ status }) => status === "contaminated");
  const caught = flagged.filter(({ clientId }) => attackers.has(clientId)).length;
  return {
    harm: 1 - along.reduce((x, y) => x + y, 0) / inner(mean, mean),
    isFlagged: caught > 0,
    falseAlarms: flagged.length - caught,
  };
}
