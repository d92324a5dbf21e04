import { z } from "zod";
import { proximal } from "../proximal.js";

/** The options of tasks whose clients train a perceptron. */
export const perceptronOptions = (defaults: {
  readonly localEpochs: number;
  readonly batchSize: number;
}) => ({
  hidden: z.int().min(1).default(32).describe("Units of the hidden layer"),
  rank: z.int().min(1).default(4).describe("Rank of the adapters (model lora)"),
  localEpochs: z
    .int()
    .min(1)
    .default(defaults.localEpochs)
    .describe("Epochs per round: a client's passes over its examples"),
  batchSize: z.int().min(1).default(defaults.batchSize).describe("Examples per step"),
  learningRate: z.number().gt(0).default(0.1).describe("Learning rate of the plain gradient steps"),
  proximal,
});

/** The parsed options of a perceptron. */
export type PerceptronOptions = z.output<z.ZodObject<ReturnType<typeof perceptronOptions>>> & {
  readonly model: "logistic" | "mlp" | "lora";
};

/** Says why clients take no single gradient steps; see `TaskPlugin.refusesSteps`. */
export function refusesSteps({
  model,
  proximal: weight,
}: Pick<PerceptronOptions, "proximal"> & { readonly model: string }): string | undefined {
  if (model === "lora") return "model lora trains adapters; choose logistic or mlp";
  return weight > 0 ? "proximal changes the loss; leave it out" : undefined;
}

/** A number of examples, or a share of all, that no client holds. */
export const withheld = z
  .number()
  .gt(0)
  .refine((x) => x < 1 || Number.isInteger(x), "expected a whole number, or a share below 1")
  .optional();
