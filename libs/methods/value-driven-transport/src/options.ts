import { z } from "zod";
import { clientColumn, tableSource } from "@fedclair/tasks/shared";
import { ownPartition } from "@fedclair/tasks/shared";
import { distributions, isTable, ringOf } from "./points.js";
import { methods } from "./flow.js";
import { canonical, canonicalHidden, canonicalRate } from "./training.js";

const ring = z.strictObject({
  name: z.literal("ring"),
  modes: z.int().min(1).describe("Normal distributions on the ring, at least 1."),
  radius: z.number().gt(0).default(2).describe("Radius of the ring, above 0."),
  rotation: z.number().default(0).describe("Angle of the first mode in radians."),
  deviation: z
    .number()
    .gt(0)
    .default(0.2)
    .describe("Standard deviation of a mode in both coordinates, above 0."),
});

const columns = z.strictObject({
  point: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Columns with the coordinates; default: all that are not named otherwise"),
  label: z
    .string()
    .optional()
    .describe("Column with the class of a point, which a conditional network can be asked for"),
  client: clientColumn,
});

const table = tableSource(columns.prefault({}).describe("The table's columns")).describe(
  "Your own points: one row per point, or one PNG per point",
);

const distribution = z.union([z.enum(distributions), ring, table], {
  error: `expected one of ${distributions.join(", ")}, { name: ring, modes: k } with radius, rotation, deviation, or { file: points.csv }`,
});

/** The options of the task in a trial file. */
export const schema = z
  .strictObject({
    mode: z
      .enum(["gradient", "fedavg", "lora"])
      .default("fedavg")
      .describe(
        "A client's work in a round. gradient: one gradient, for Adam at the coordinator. fedavg: local Adam steps. lora: Adam steps on adapters of a frozen base.",
      ),
    method: z
      .enum(methods)
      .default(canonical.method)
      .describe(
        "value: value-driven transport. For comparison, the same network with one output per coordinate as a velocity: flow-matching pairs source and target at random, ot-cfm by the optimal transport of each batch, sb-cfm by its entropic transport, along Brownian bridges.",
      ),
    sigma: z
      .number()
      .gt(0)
      .default(canonical.sigma)
      .describe("Noise σ of the Schrödinger bridge (method sb-cfm), in units of the points."),
    source: distribution.default("normal").describe("Distribution at which transport starts."),
    target: distribution
      .default("gaussians8")
      .describe("Distribution at which transport should end; clients hold samples of it."),
    partition: ownPartition,
    samples: z
      .int()
      .min(1)
      .default(400)
      .describe("Points of the target per client; also those of a source that is not normal."),
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
        "Modes that a client holds. iid: all, evenly. { dirichlet }: uneven shares; smaller values are more uneven. { modes: k }: k modes, starting with the i-th for client i.",
      ),
    schedule: z
      .int()
      .min(1)
      .default(20)
      .describe("Rounds over which the learning rate falls by a cosine; training ends after them."),
    learningRate: z
      .number()
      .gt(0)
      .default(canonicalRate)
      .describe("Learning rate of Adam in the first round."),
    localSteps: z
      .int()
      .min(1)
      .default(10)
      .describe("Adam steps per client and round (modes fedavg and lora)."),
    rank: z.int().min(1).default(4).describe("Rank of the adapters (mode lora)."),
    baseSteps: z
      .int()
      .min(1)
      .default(1000)
      .describe(
        "Steps for which the coordinator trains the base (mode lora), on a ring of radius 2 with as many modes as the target, or eight.",
      ),
    hidden: z
      .int()
      .min(1)
      .default(canonicalHidden)
      .describe("Units of each of the two layers of the network."),
    horizon: z
      .int()
      .min(2, "expected at least 2: one step of training leaves the pairing free")
      .default(canonical.horizon)
      .describe("H, the number of steps from source to target."),
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
    batchSize: z.int().min(1).default(canonical.batchSize).describe("Target points per step."),
    sourceBatchSize: z
      .int()
      .min(2)
      .default(canonical.sourceBatchSize)
      .describe("Source points per step."),
    coupling: z
      .enum(["entropic", "independent"])
      .default(canonical.coupling)
      .describe(
        "entropic: by the values. independent: any source with any target, which gives curved paths.",
      ),
    conditional: z
      .boolean()
      .default(canonical.conditional)
      .describe("Whether the network gets the requested mode or class as an input."),
    guidance: z
      .number()
      .min(0)
      .default(1)
      .describe(
        "Weight of classifier-free guidance with which a conditional network is measured, in addition to 0.",
      ),
    measureEvery: z.int().min(1).default(5).describe("Rounds between two measurements."),
    measureSteps: z
      .array(z.int().min(1))
      .default([])
      .describe(
        "Further numbers of steps at which W2 is measured, as `w2Steps.k`; of a conditional network also as `classW2Steps.k`.",
      ),
    evaluationSamples: z
      .int()
      .min(2)
      .default(500)
      .describe(
        "Points with which a transport is measured; the floor of W2 falls with their number.",
      ),
  })
  .superRefine(({ mode, method, source, target, split, conditional }, context) => {
    const reject = (path: string[], message: string) => {
      context.addIssue({ code: "custom", path, message });
    };
    if (mode === "lora" && method !== "value") {
      reject(
        ["method"],
        `lora adapts a base of method value, got ${method}: use gradient or fedavg`,
      );
    }
    if (mode === "lora" && (isTable(source) || isTable(target))) {
      reject(
        ["mode"],
        "lora adapts a base that transports to rings: choose gradient or fedavg for your own points",
      );
    }
    const ring = ringOf(target);
    if (ring === undefined) {
      const name = typeof target === "string" ? target : "name" in target ? target.name : "a table";
      const message = `${name} has no modes: choose gaussians8, gaussians8-moved or { name: ring, modes: k } as target`;
      if (split !== "iid") reject(["split"], message);
      if (conditional && !isTable(target)) reject(["conditional"], message);
      if (conditional && isTable(target) && target.columns.label === undefined) {
        reject(
          ["conditional"],
          "the table's points have no classes: name their column as target.columns.label",
        );
      }
    } else if (typeof split === "object" && "modes" in split && split.modes > ring.modes) {
      reject(
        ["split", "modes"],
        `expected at most ${ring.modes}, as many as the target has, got ${split.modes}`,
      );
    }
  });

export type Options = z.output<typeof schema>;
