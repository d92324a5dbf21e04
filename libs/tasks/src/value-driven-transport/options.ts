import { z } from "zod";
import { distributions, ringOf } from "./points.js";
import { canonical, canonicalHidden, canonicalRate } from "./training.js";

const distribution = z.enum(distributions);

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
          z.strictObject({ modes: z.int().min(1).max(8) }),
        ],
        { error: "expected iid, { dirichlet: alpha } or { modes: k }" },
      )
      .default("iid")
      .describe(
        "Which modes a client holds. iid: all alike. { dirichlet }: uneven, the more the smaller. { modes: k }: k of eight, the i-th client from the i-th on.",
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
      .describe("Steps that the coordinator trains the base for, on gaussians8 (mode lora)."),
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
    if (ringOf(target)) return;
    const message = `${target} has no modes: choose gaussians8 or gaussians8-moved as target`;
    if (split !== "iid") context.addIssue({ code: "custom", path: ["split"], message });
    if (conditional) context.addIssue({ code: "custom", path: ["conditional"], message });
  });

export type Options = z.output<typeof schema>;
