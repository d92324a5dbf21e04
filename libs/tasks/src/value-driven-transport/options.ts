import { z } from "zod";
import { distributions, ringOf } from "./points.js";
import { canonical, canonicalHidden, canonicalRate, noCondition } from "./training.js";

const ring = z.strictObject({
  name: z.literal("ring"),
  modes: z.int().min(1).describe("Normal distributions on the ring, at least 1."),
  radius: z.number().gt(0).default(2).describe("Of the ring, above 0."),
  rotation: z.number().default(0).describe("Of the first mode, radians."),
  deviation: z
    .number()
    .gt(0)
    .default(0.2)
    .describe("Standard deviation of a mode in both coordinates, above 0."),
});

const distribution = z.union([z.enum(distributions), ring], {
  error: `expected one of ${distributions.join(", ")}, or { name: ring, modes: k } with radius, rotation, deviation`,
});

/** Options of the task, as a trial file writes them. */
export const schema = z
  .strictObject({
    mode: z
      .enum(["gradient", "fedavg", "lora"])
      .default("fedavg")
      .describe(
        "What a client does in a round. gradient: one gradient, for Adam on the coordinator. fedavg: Adam steps of its own. lora: Adam steps on adapters of a frozen base.",
      ),
    source: distribution.default("normal").describe("Where transport starts."),
    target: distribution
      .default("gaussians8")
      .describe("Where it is to end; clients hold samples."),
    samples: z
      .int()
      .min(1)
      .default(400)
      .describe("Points of the target a client, and of a source that is not normal."),
    split: z
      .union(
        [
          z.literal("iid"),
          z.strictObject({ dirichlet: z.number().gt(0) }),
          z.strictObject({ modes: z.int().min(1) }),
        ],
        { error: "expected iid, { dirichlet: alpha } or { modes: k }" },
      )
      .default("iid")
      .describe(
        "Which modes a client holds. iid: all alike. { dirichlet }: uneven, the more the smaller. { modes: k }: k of them, the i-th client from the i-th on.",
      ),
    schedule: z
      .int()
      .min(1)
      .default(20)
      .describe("Rounds over which the learning rate falls by a cosine; training ends with them."),
    learningRate: z.number().gt(0).default(canonicalRate).describe("Of Adam, in the first round."),
    localSteps: z
      .int()
      .min(1)
      .default(10)
      .describe("Adam steps of a client in a round (modes fedavg and lora)."),
    rank: z.int().min(1).default(4).describe("Of the adapters (mode lora)."),
    baseSteps: z
      .int()
      .min(1)
      .default(1000)
      .describe(
        "Steps that the coordinator trains the base for, on a ring of radius 2 with as many modes as the target, or eight (mode lora).",
      ),
    hidden: z
      .int()
      .min(1)
      .default(canonicalHidden)
      .describe("Units of both layers of the network."),
    horizon: z
      .int()
      .min(2, "expected at least 2: one step of training leaves the pairing free")
      .default(canonical.horizon)
      .describe("H, steps from source to target."),
    eps: z
      .number()
      .gt(0)
      .default(canonical.eps)
      .describe("Weight of the coupling's entropy, in squared units of the points."),
    lambda0: z
      .number()
      .gt(0, "expected more than 0: without the source constraint the transport misses its target")
      .default(canonical.lambda0)
      .describe("Weight of the source-marginal constraint."),
    batchSize: z.int().min(1).default(canonical.batchSize).describe("Target points a step."),
    sourceBatchSize: z
      .int()
      .min(2)
      .default(canonical.sourceBatchSize)
      .describe("Source points a step."),
    coupling: z
      .enum(["entropic", "independent"])
      .default(canonical.coupling)
      .describe("entropic: by the values. independent: any source with any target; curved paths."),
    conditional: z
      .boolean()
      .default(canonical.conditional)
      .describe("Is the network told which mode to aim at?"),
    guidance: z
      .number()
      .min(0)
      .default(1)
      .describe(
        "Weight of classifier-free guidance that a conditional network is measured with, beside 0.",
      ),
    measureEvery: z.int().min(1).default(5).describe("Rounds between two measurements."),
    evaluationSamples: z
      .int()
      .min(2)
      .default(500)
      .describe("Points that a transport is measured on; the floor of W2 falls with their number."),
  })
  .superRefine(({ target, split, conditional }, context) => {
    const ring = ringOf(target);
    if (ring === undefined) {
      const name = typeof target === "string" ? target : target.name;
      const message = `${name} has no modes: choose gaussians8, gaussians8-moved or { name: ring, modes: k } as target`;
      if (split !== "iid") context.addIssue({ code: "custom", path: ["split"], message });
      if (conditional) context.addIssue({ code: "custom", path: ["conditional"], message });
    } else if (typeof split === "object" && "modes" in split && split.modes > ring.modes) {
      const message = `expected at most ${ring.modes}, as many as the target has, got ${split.modes}`;
      context.addIssue({ code: "custom", path: ["split", "modes"], message });
    }
  });

export type Options = z.output<typeof schema>;

/** What the network is told where it may aim at any mode: nothing, unless it is conditional. */
export function openCondition({ conditional, target }: Options): readonly number[] {
  const ring = ringOf(target);
  return conditional && ring ? noCondition(ring.modes) : [];
}
