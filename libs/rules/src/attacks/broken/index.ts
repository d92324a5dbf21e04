import {
  copyDense,
  readNumbers,
  isLowRank,
  type Attack,
  type Delta,
  type Plugin,
  type Tensor,
  type TrainResult,
  UserError,
  zeros,
} from "@fedclair/core";
import { z } from "zod";

const schema = z.strictObject({
  kind: z
    .enum(["nan", "shape", "silent", "crash"])
    .default("nan")
    .describe(
      "nan: one number of every tensor is NaN. shape: every module has one extra row. silent: never answers. crash: fails.",
    ),
});

/**
 * A client that is faulty rather than malicious: the coordinator must reject or miss its update,
 * name it in the record, and continue.
 */
export const broken: Plugin<Attack> = {
  name: "broken",
  summary: "A faulty client: NaN, a wrong shape, silence or a crash.",
  schema,
  create: ({ kind }: z.output<typeof schema>): Attack => ({
    corruptUpdate: (honest) => breakdowns[kind](honest),
  }),
};

const breakdowns: Record<
  z.output<typeof schema>["kind"],
  (honest: TrainResult) => TrainResult | Promise<TrainResult>
> = {
  nan: (honest) => ({ ...honest, delta: mapTensors(honest.delta, withNaN) }),
  shape: (honest) => ({ ...honest, delta: mapTensors(honest.delta, withOneRowMore) }),
  silent: () => new Promise<never>(() => undefined),
  crash: () => {
    throw new UserError("the client is broken (attack broken, kind crash)");
  },
};

/**
 * Maps each tensor, or the left factor of a pair, because a row of the left factor is a row of the
 * module.
 */
function mapTensors(modules: Delta, map: (tensor: Tensor) => Tensor): Delta {
  return new Map(
    [...modules].map(([name, module]) => [
      name,
      isLowRank(module) ? { ...module, b: map(module.b) } : map(module),
    ]),
  );
}

function withNaN(tensor: Tensor): Tensor {
  const copy = copyDense(tensor);
  copy.data[0] = NaN;
  return copy;
}

function withOneRowMore(tensor: Tensor): Tensor {
  const [rows = 0, ...rest] = tensor.shape;
  const data = readNumbers(tensor);
  const shape = [rows + 1, ...rest];
  const longer = zeros(shape, data instanceof Float32Array ? "f32" : "f64");
  longer.data.set(data.subarray(0, longer.data.length));
  return longer;
}
