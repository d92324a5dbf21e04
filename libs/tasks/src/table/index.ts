import { shapesOf, UserError, type Dense, type Params, type StartContext } from "@fedclair/core";
import type { Task, TaskPlugin } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { guessClasses } from "../data/guessing.js";
import { sourcePaths, type TableSource } from "../data/own-data.js";
import type { TableFile } from "../data/table-file.js";
import { toParams } from "../linear-regression/trainer.js";
import { initialParams } from "../perceptron/model.js";
import { refusesSteps } from "../perceptron/options.js";
import { trainBase } from "../perceptron/training.js";
import { TableClient, toExamples, toPerceptron, UniformRows } from "./client.js";
import { describeRows } from "./describe-rows.js";
import { isLeastSquares, tableSchema, type TableOptions } from "./options.js";
import { readRows, type TableRows } from "./rows.js";
import { poolSums, scaleModule, surveyShapes } from "./scale.js";

const accuracy = {
  better: "higher",
  description: "share of the client's held-out rows whose class is predicted",
  onSharedData: "uniformAccuracy",
} as const;
const uniformAccuracy = {
  better: "higher",
  description: "share of the rows that no client holds whose class is predicted",
} as const;
const entropy = { better: "lower", unit: "nats", description: "mean loss of a row" } as const;
const error = {
  better: "lower",
  description: "mean squared error of a standardised output: 1 is that of the mean",
} as const;

/**
 * A table of the user's own: clients hold rows, and predict a class or numbers.
 *
 * Columns of numbers are standardised. Before round 1 every client sends the count, the mean and
 * the variance of each column over its rows; the coordinator combines them, and the params bring
 * them to the clients as the module `scale`. No client sends it, and no aggregator changes it.
 * Columns of texts are categories, with one input per value.
 *
 * Modules are those of `digits` (float32), or with least squares `weights` (float64), inputs and a
 * constant × outputs.
 */
export const table: TaskPlugin = {
  name: "table",
  summary: "Your own table: classes or numbers to predict, with columns in common units.",
  schema: tableSchema,
  hasLabels: ({ source }: TableOptions) => source.columns.label !== undefined,
  paths: sourcePaths,
  survey: "the count, the mean and the variance of every column of numbers",
  metrics: { accuracy, uniformAccuracy, loss: entropy },
  primary: "accuracy",
  measures: ({ source, model, uniformRows }: TableOptions) => {
    if (source.columns.label !== undefined) {
      return { metrics: { accuracy, uniformAccuracy, loss: entropy }, primary: "accuracy" };
    }
    // Least squares is not measured on rows that no client holds.
    const metrics =
      uniformRows === undefined || model === "linear"
        ? { loss: error }
        : { loss: { ...error, onSharedData: "uniformLoss" }, uniformLoss: error };
    return { metrics, primary: "loss" };
  },
  acceptsStale: () => true,
  acceptsControl: (options: TableOptions) => options.model !== "lora" && !isLeastSquares(options),
  refusesSteps: (options: TableOptions) =>
    isLeastSquares(options)
      ? "model linear solves least squares; choose model mlp"
      : refusesSteps(options),
  holdsBack: true,
  create: async (options: TableOptions) => {
    return createTask(options, await readTableRows(options, options.source));
  },
};

/** Reads the rows and checks that there is something to learn from every column. */
export async function readTableRows(
  options: TableOptions,
  source: TableSource | TableFile,
): Promise<TableRows> {
  const rows = await readRows(options, source);
  const { inputs, outputs, outputNames, count } = rows;
  const check = (
    values: Float64Array,
    width: number,
    place: number,
    name: string,
    word: string,
  ) => {
    const column = Float64Array.from({ length: count }, (_, i) => values[i * width + place] ?? NaN);
    const present = column.filter((value) => !Number.isNaN(value));
    if (present.some((value) => value !== present[0])) return;
    throw new UserError(
      `source: column '${name}' is ${present[0] ?? NaN} in every row, so there is nothing to learn from it: leave it out of columns.${word}`,
    );
  };
  outputNames.forEach((name, j) => {
    check(outputs, outputNames.length, j, name, "outputs");
  });
  if (isLeastSquares(options)) {
    for (const { place, name } of inputs.numeric) {
      check(inputs.values, inputs.width, place, name, "inputs");
    }
  }
  return rows;
}

export function createTask(options: TableOptions, rows: TableRows): Task {
  const uniform = new UniformRows(rows);
  const { members } = rows.clients;
  return {
    ...members,
    guessing: () =>
      rows.classes.length > 0 ? guessClasses(rows.labels, rows.classes.length) : { loss: 1 },
    notice: (clients) => {
      const about = [members.notice?.(clients), describeRows(rows, clients)];
      return about.filter((text) => text !== undefined).join("\n");
    },
    async start(context) {
      const scale = await agreeOnScale(rows, context);
      const params = await createParams(options, rows, scale, context.rng);
      return {
        params: scale ? new Map([...params, [scaleModule, scale]]) : params,
        ask: { phase: "train", expects: shapesOf(params) },
      };
    },
    openShard: (shard) => Promise.resolve(new TableClient(options, rows, uniform, shard)),
  };
}

async function agreeOnScale(rows: TableRows, context: StartContext): Promise<Dense | undefined> {
  const expects = surveyShapes(rows);
  if (!expects) return undefined;
  if (!context.survey)
    throw new Error("the task table asks its clients before round 1, and nobody can");
  const [{ shape: [columns = 0] } = { shape: [] }] = expects.values();
  return await poolSums(columns, context.survey(expects));
}

async function createParams(
  options: TableOptions,
  rows: TableRows,
  scale: Dense | undefined,
  rng: Stream,
): Promise<Params> {
  const { inputs, classes, outputNames, base } = rows;
  if (isLeastSquares(options)) {
    const [p, q] = [inputs.width + 1, outputNames.length];
    return toParams(new Float64Array(p * q), p, q);
  }
  const perceptron = toPerceptron(options);
  const width = classes.length > 0 ? classes.length : outputNames.length;
  const start = initialParams(perceptron, inputs.width, width, rng);
  if (options.model !== "lora") return start;
  const examples = toExamples(rows, scale?.data ?? new Float64Array(0), base);
  return await trainBase(start, examples, options, rng);
}
