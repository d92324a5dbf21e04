import {
  readNumbers,
  isLowRank,
  toBfloat16,
  toInt8,
  yieldToEventLoop,
  type Mod,
  type Plugin,
  type Tensor,
  type TensorDelta,
} from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import { z } from "zod";

const schema = z.strictObject({
  dtype: z
    .enum(["f32", "bf16", "int8"])
    .describe(
      "f32: 4 bytes per number. bf16: 2 bytes, rounded to nearest. int8: 1 byte and a scale for each row, rounded up or down at random without bias",
    ),
});

type Options = z.output<typeof schema>;

/**
 * Encodes updates in fewer bytes, on the wire too. The coordinator aggregates the decoded float32
 * values, even if the update was not sent over a network. It is a format, so attackers' updates are
 * encoded as well.
 *
 * int8 is the stochastic quantisation of QSGD (Alistarh et al., arXiv 1610.02132) with 127 levels.
 * Instead of the norm it uses the largest number of each row, or of each column if there are fewer
 * columns: the lines of a LoRA factor are its directions.
 */
export const encoding: Plugin<Mod> = {
  name: "encoding",
  summary: "Updates in fewer bytes: float32, bfloat16 or 8-bit integers.",
  schema,
  create: (options: Options): Mod => ({
    isFormat: true,
    client: async (result, { rng }) => {
      const delta = new Map<string, TensorDelta>();
      for (const [name, change] of result.delta) {
        await yieldToEventLoop();
        const write = (tensor: Tensor) => encode(tensor, options, rng);
        const pair = isLowRank(change) && { b: write(change.b), a: write(change.a) };
        delta.set(name, pair || write(change as Tensor));
      }
      return { ...result, delta };
    },
  }),
};

function encode(tensor: Tensor, { dtype }: Options, rng: Stream): Tensor {
  switch (dtype) {
    case "f32":
      return { shape: tensor.shape, data: Float32Array.from(readNumbers(tensor)) };
    case "bf16":
      return toBfloat16(tensor);
    case "int8":
      return toInt8(tensor, () => rng.uniform());
  }
}
