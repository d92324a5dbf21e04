import { Matrix, multiply, multiplyNT, multiplyTN, stream, subtract } from "@fedclair/linalg";
import { z } from "zod";
import type { TaskPlugin } from "../src/contracts/plugin.js";
import type { GradientTraining } from "../src/contracts/personal.js";
import type { LocalTrainer, TrainJob } from "../src/contracts/task.js";
import { takeSteps } from "../src/contracts/take-steps.js";
import { combineParams } from "../src/tensors/combine.js";
import { toMatrix, toTensor } from "../src/tensors/matrix.js";
import type { Params } from "../src/tensors/tensor.js";

/** The data of a client: samples in columns. */
export interface TwoLayerData {
  readonly x: Matrix;
  readonly y: Matrix;
}

/** A task of two layers. */
export interface TwoLayers {
  readonly start: Params;
  /** The steps that a client takes in a round. */
  readonly count: number;
  readonly rate: number;
  readonly dataOf: (client: number) => TwoLayerData;
}

/**
 * Creates the smallest task for personal methods: clients fit y = head·body·x by gradient steps on
 * all of their samples. Its metric is the mean squared error.
 */
export function twoLayerTask({ start, count, rate, dataOf }: TwoLayers): TaskPlugin {
  return {
    name: "two-layers",
    summary: "Two linear layers.",
    schema: z.strictObject({}),
    refusesSteps: () => undefined,
    create: () => ({
      start: () => Promise.resolve({ params: start }),
      openShard: ({ index }) => Promise.resolve(createTrainer(dataOf(index), { count, rate })),
    }),
  };
}

function createTrainer(
  data: TwoLayerData,
  pace: { readonly count: number; readonly rate: number },
): LocalTrainer {
  const open = ({ params, signal }: TrainJob): GradientTraining => ({
    params,
    numExamples: data.x.cols,
    ...pace,
    steps: (from, walk) => takeSteps(from, walk, (at) => gradientOf(data, at), signal),
    loss: (at) => Promise.resolve(lossOf(data, at)),
  });
  return {
    open,
    async train(job) {
      const { params } = job;
      const after = await open(job).steps(params, pace);
      const delta = combineParams([1, after], [-1, params]);
      return { numExamples: data.x.cols, delta, metrics: {} };
    },
    evaluate: (params) =>
      Promise.resolve({
        numExamples: data.x.cols,
        delta: new Map(),
        metrics: { loss: lossOf(data, params) },
      }),
  };
}

function layersOf(params: Params): { readonly body: Matrix; readonly head: Matrix } {
  const [body, head] = [params.get("body"), params.get("head")];
  if (!body || !head) throw new Error("expected the modules body and head");
  return { body: toMatrix(body), head: toMatrix(head) };
}

function errorOf({ x, y }: TwoLayerData, params: Params): Matrix {
  const { body, head } = layersOf(params);
  return subtract(multiply(head, multiply(body, x)), y);
}

function lossOf(data: TwoLayerData, params: Params): number {
  const { data: errors } = errorOf(data, params);
  return errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length;
}

function gradientOf(data: TwoLayerData, params: Params): Params {
  const { body, head } = layersOf(params);
  const error = errorOf(data, params);
  const slope = error.scale(2 / error.data.length);
  return new Map([
    ["body", toTensor(multiplyNT(multiplyTN(head, slope), data.x))],
    ["head", toTensor(multiplyNT(slope, multiply(body, data.x)))],
  ]);
}

/** Two layers with random data, the same for everyone. */
export function anyTwoLayers(): TaskPlugin {
  const rng = stream("two layers");
  const matrix = (rows: number, cols: number, ...path: (string | number)[]) =>
    new Matrix(rows, cols, rng.at(...path).normals(rows * cols, 0.7));
  return twoLayerTask({
    start: new Map([
      ["body", toTensor(matrix(2, 3, "body"))],
      ["head", toTensor(matrix(2, 2, "head"))],
    ]),
    count: 3,
    rate: 0.1,
    dataOf: (client) => ({ x: matrix(3, 6, "x", client), y: matrix(2, 6, "y", client) }),
  });
}
