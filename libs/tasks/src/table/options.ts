import { z } from "zod";
import { classNames } from "../data/class-names.js";
import { clientColumn, tableSource } from "../data/own-data.js";
import { ownPartition } from "../partition/options.js";
import { perceptronOptions, withheld } from "../perceptron/options.js";

const columns = z
  .strictObject({
    label: z.string().optional().describe("Column with the class to predict, a text or a number"),
    outputs: z
      .union([z.string(), z.array(z.string()).min(1)])
      .optional()
      .describe("Column, or list of columns, with numbers to predict"),
    inputs: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Columns to predict from; default: all that are not named otherwise"),
    ignore: z.array(z.string()).default([]).describe("Columns that are not read, such as names"),
    client: clientColumn,
  })
  .superRefine(({ label, outputs }, context) => {
    if ((label === undefined) !== (outputs === undefined)) return;
    const message = "expected either label, for classes, or outputs, for numbers to predict";
    context.addIssue({ code: "custom", message });
  });

const categories = z
  .record(
    z.string(),
    z
      .array(z.union([z.string().trim().min(1), z.number()]))
      .min(2)
      .transform((values) => values.map(String)),
  )
  .default({})
  .describe(
    "Values of columns that hold categories, by column; default: those in the data, of every column of texts. Codes that are numbers, and browser tabs with data of their own, need them",
  );

export const tableSchema = z
  .strictObject({
    source: tableSource(columns.describe("The table's columns"), {
      classes: classNames,
      categories,
    }).describe("Your own table: one row per example"),
    model: z
      .enum(["linear", "mlp", "lora"])
      .default("linear")
      .describe(
        "linear: logistic regression for classes, the least-squares solution for numbers. mlp: a hidden layer of ReLUs. lora: adapters on an mlp that is pre-trained on rows that no client holds",
      ),
    partition: ownPartition,
    // A client's rows are often few, and so would be the steps of a single pass.
    ...perceptronOptions({ localEpochs: 5, batchSize: 16 }),
    uniformRows: withheld.describe(
      "Rows that no client holds, on which all clients are measured: a number, or a share below 1. Default: 0.1 of a table with classes, none of another",
    ),
    baseRows: withheld.describe(
      "Rows that no client holds, for pre-training (model lora): a number, or a share below 1. Default: 0.2",
    ),
    baseEpochs: z.int().min(1).default(20).describe("Epochs of pre-training (model lora)"),
    dataSeed: z
      .int()
      .min(0)
      .default(1)
      .describe(
        "Seed of the assignment of rows to clients; the clients' training follows the trial's seed",
      ),
  })
  .superRefine(({ model, baseRows, uniformRows, partition, source }, context) => {
    const reject = (path: string, message: string) => {
      context.addIssue({ code: "custom", path: [path], message });
    };
    if (baseRows !== undefined && model !== "lora") reject("baseRows", "is for model lora only");
    if (uniformRows !== undefined && model === "linear" && source.columns.label === undefined) {
      reject("uniformRows", "least squares measures no rows in common: choose model mlp or lora");
    }
    const isByClass = partition?.by === "dirichlet" || partition?.by === "shards";
    if (isByClass && source.columns.label === undefined) {
      reject(
        "partition",
        `${partition.by} splits by class, and columns.outputs are none: choose natural, iid, quantity or drawn`,
      );
    }
  });

export type TableOptions = z.output<typeof tableSchema>;

/** Are the numbers to predict fitted by least squares, in one step? */
export function isLeastSquares({ model, source }: TableOptions): boolean {
  return model === "linear" && source.columns.label === undefined;
}
