import { item } from "@fedclair/linalg";
import type { DataContamination } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z, type ZodObject } from "zod";
import type { AgentAnswer } from "./answers.js";
import type { GameShape, Transition } from "./dataset.js";

/** Half the width of the interval from which `random` draws rewards. */
const rewardRange = 2;

const none = z.strictObject({});
const factor = z.strictObject({
  factor: z.number().default(-3).describe("Factor by which the honest logits are multiplied"),
});
const scale = z.strictObject({
  scale: z.number().gt(0).default(5).describe("Standard deviation of the logits, above 0"),
});

/**
 * The kinds of contamination. In the data, `flip` changes the sign of rewards, `random` draws them
 * uniformly from [-2, 2), and `permute` replaces every action by the next one. In the answer,
 * `noise` sends normally distributed logits for every state, and `reverse` sends the honest logits
 * times a negative factor.
 */
export const contaminations: ReadonlyMap<string, ZodObject> = new Map<string, ZodObject>([
  ["flip", none],
  ["random", none],
  ["permute", none],
  ["noise", scale],
  ["reverse", factor],
]);

/**
 * The contaminations of the data. The others need logits, which network answers do not have; use
 * the platform's attacks on updates instead.
 */
export const dataContaminations: typeof contaminations = new Map(
  [...contaminations].filter(([kind]) => kind !== "noise" && kind !== "reverse"),
);

/**
 * Returns the transitions that a client learns from.
 * @param rng of the client, the same in every round
 */
export function contaminateData(
  transitions: readonly Transition[],
  contamination: DataContamination | undefined,
  { actions: counts }: GameShape,
  rng: Stream,
): readonly Transition[] {
  switch (contamination?.kind) {
    case "flip":
      return transitions.map((transition) => ({ ...transition, reward: -transition.reward }));
    case "random":
      return transitions.map((transition) => ({
        ...transition,
        reward: rewardRange * (2 * rng.uniform() - 1),
      }));
    case "permute":
      return transitions.map((transition) => ({
        ...transition,
        actions: transition.actions.map((action, i) => (action + 1) % item(counts, i)),
      }));
    default:
      return transitions;
  }
}

/**
 * Returns the answer that a client sends in place of its honest logits and visits.
 * @param rng of the client and the round
 */
export function contaminateAnswer(
  honest: AgentAnswer,
  contamination: DataContamination | undefined,
  rng: Stream,
): AgentAnswer {
  switch (contamination?.kind) {
    case "noise": {
      const options = scale.parse(contamination.options);
      return {
        logits: rng.normals(honest.logits.length, options.scale),
        visits: Float64Array.from(honest.visits, () => 1 / honest.visits.length),
      };
    }
    case "reverse": {
      const options = factor.parse(contamination.options);
      return { ...honest, logits: Float64Array.from(honest.logits, (z) => options.factor * z) };
    }
    default:
      return honest;
  }
}
