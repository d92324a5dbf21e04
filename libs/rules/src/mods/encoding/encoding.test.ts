import assert from "node:assert/strict";
import { readNumbers, tensorsOf, type Delta } from "@fedclair/core";
import { payloadBytes } from "@fedclair/core/internal";
import { anyUpdate, describeMod } from "@fedclair/core/testing";
import { stream } from "@fedclair/linalg";
import { encoding } from "./index.js";

const dtypes = ["f32", "bf16", "int8"];

for (const dtype of dtypes) describeMod(encoding, { options: { dtype } });

async function encode(dtype: string): Promise<Delta> {
  const mod = encoding.create(encoding.schema.parse({ dtype }) as never);
  const context = { round: 1, phase: "train", rng: stream("encoding") };
  const { delta } = (await mod.client?.(anyUpdate("c1"), context)) ?? assert.fail("no client half");
  return delta;
}

const tensors = (delta: Delta) => [...delta.values()].flatMap(tensorsOf);

describe("encoding", () => {
  it("takes 4, 2 or 1 bytes per number, and for int8 a scale per line", async () => {
    const numbers = tensors(anyUpdate("c1").delta).reduce(
      (sum, tensor) => sum + readNumbers(tensor).length,
      0,
    );
    // A matrix has a scale per row or per column, whichever are fewer: 4 for each of two 5×4, and 2
    // for 6×2, 2×4, 3×2 and 2×5. A vector and a scalar have 1 each, and 2×3×2 has 2.
    const scales = 4 + 4 + 1 + 1 + 2 + 2 + 2 + 2 + 2;
    for (const [dtype, bytes] of [
      ["f32", 4 * numbers],
      ["bf16", 2 * numbers],
      ["int8", numbers + 4 * scales],
    ] as const) {
      assert.equal(payloadBytes(tensors(await encode(dtype))), bytes, dtype);
    }
  });

  it("is close to the original, and float32", async () => {
    const exact = tensors(anyUpdate("c1").delta);
    for (const [dtype, part] of [
      ["f32", 2 ** -24],
      ["bf16", 2 ** -8],
      ["int8", 1 / 126],
    ] as const) {
      for (const [i, tensor] of tensors(await encode(dtype)).entries()) {
        const data = readNumbers(tensor);
        assert.ok(data instanceof Float32Array);
        const clear = readNumbers(exact[i] ?? assert.fail());
        const largest = Math.max(...[...clear].map(Math.abs));
        data.forEach((x, j) => {
          assert.ok(Math.abs(x - (clear[j] ?? NaN)) <= part * largest, dtype);
        });
      }
    }
  });
});
