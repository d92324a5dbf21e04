// @ts-check
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { definePlugin, UserError } from "@fedclair/core";
import { z } from "zod";

/**
 * Each client has one .csv file. Together they fit a linear model to one column by gradient
 * descent.
 */
export const csvRegression = definePlugin({
  kind: "task",
  name: "csv-regression",
  summary: "Linear regression on CSV files, one file per client.",
  schema: z.strictObject({
    folder: z.string().describe("Folder with the .csv files: a header line, then numbers."),
    target: z.string().describe("Column to predict from the others."),
    learningRate: z.number().positive().default(0.1),
    localSteps: z.int().min(1).default(5).describe("Gradient steps of a client in each round."),
  }),
  /** Options with paths. Relative paths start from the folder of the trial file. */
  paths: ["folder"],
  metrics: { loss: { better: "lower", description: "Mean squared error of the client's rows." } },
  primary: "loss",
  /** Ways to contaminate this task's data, for the attack `contaminated-data`. */
  contaminations: () => new Map([["mixed-up", z.strictObject({})]]),

  create: ({ folder, target, learningRate, localSteps }) => {
    const files = filesIn(folder);
    return {
      checkClients: (count) => {
        if (count > files.length) {
          throw new Error(
            `clients: expected at most ${files.length}, a .csv file each in ${folder}`,
          );
        }
      },
      clientLabel: (index) => files[index].replace(/\.csv$/, ""),

      start: () => {
        const { inputs } = readTable(join(folder, files[0]), target);
        return Promise.resolve({ params: paramsOf(new Float64Array(inputs[0].length)) });
      },

      openShard: ({ index, rng, contamination }) => {
        const { inputs, outputs } = readTable(join(folder, files[index]), target);
        const targets = contamination ? rng.at("mixed-up").sample(outputs) : outputs;
        return Promise.resolve({
          train: ({ params }) => {
            const start = weightsOf(params);
            const weights = start.slice();
            for (let step = 0; step < localSteps; step++) {
              const slope = gradient(inputs, targets, weights);
              weights.forEach((_, j) => (weights[j] -= learningRate * slope[j]));
            }
            const delta = paramsOf(weights.map((w, j) => w - start[j]));
            return Promise.resolve({ numExamples: inputs.length, delta, metrics: {} });
          },
          evaluate: (params) => {
            const metrics = { loss: loss(inputs, outputs, weightsOf(params)) };
            return Promise.resolve({ numExamples: inputs.length, delta: new Map(), metrics });
          },
        });
      },
    };
  },
});

export default csvRegression;

/** @param {string} folder */
function filesIn(folder) {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith(".csv"))
      .sort();
  } catch (error) {
    throw new UserError(`folder: cannot read ${folder}: ${String(error)}`);
  }
}

/**
 * Reads the rows of inputs, with a 1 for the intercept, and the outputs.
 * @param {string} file
 * @param {string} target
 */
function readTable(file, target) {
  const [header, ...rows] = readFileSync(file, "utf8").trim().split("\n");
  const column = header.split(",").indexOf(target);
  if (column < 0) throw new UserError(`target: ${file} has no column '${target}', but ${header}`);
  const numbers = rows.map((row) => row.split(",").map(Number));
  if (numbers.flat().some((x) => !Number.isFinite(x)))
    throw new UserError(`${file}: expected numbers`);
  return {
    inputs: numbers.map((row) => [1, ...row.filter((_, j) => j !== column)]),
    outputs: numbers.map((row) => row[column]),
  };
}

/** @param {readonly number[]} row @param {Float64Array} weights */
const predict = (row, weights) => row.reduce((sum, x, j) => sum + x * weights[j], 0);

/**
 * @param {readonly number[][]} inputs
 * @param {readonly number[]} outputs
 * @param {Float64Array} weights
 */
function loss(inputs, outputs, weights) {
  return (
    inputs.reduce((sum, row, i) => sum + (predict(row, weights) - outputs[i]) ** 2, 0) /
    inputs.length
  );
}

/**
 * Computes the gradient of half the loss.
 * @param {readonly number[][]} inputs
 * @param {readonly number[]} outputs
 * @param {Float64Array} weights
 */
function gradient(inputs, outputs, weights) {
  const slope = new Float64Array(weights.length);
  inputs.forEach((row, i) => {
    const error = (predict(row, weights) - outputs[i]) / inputs.length;
    row.forEach((x, j) => (slope[j] += error * x));
  });
  return slope;
}

/** @param {Float64Array} weights */
function paramsOf(weights) {
  return new Map([["weights", { shape: [weights.length, 1], data: weights }]]);
}

/** @param {import("@fedclair/core").Params} params */
function weightsOf(params) {
  return Float64Array.from(params.get("weights")?.data ?? []);
}
