import assert from "node:assert/strict";
import fc from "fast-check";
import { isSurelyFinite, resolveParams } from "./client-params.js";
import type { Tensor } from "./tensor.js";
import type { Delta, TensorDelta } from "./update.js";

const column = (...data: number[]): Tensor => ({
  shape: [data.length, 1],
  data: Float32Array.from(data),
});
const row = (...data: number[]): Tensor => ({
  shape: [1, data.length],
  data: Float32Array.from(data),
});
const base = new Map([["m", { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]);
const term = (change: TensorDelta): Delta => new Map([["m", change]]);

describe("isSurelyFinite", () => {
  it("knows by a bound, and says no where that is too coarse", () => {
    const pair = (size: number) => [[term({ b: column(size, 1), a: row(1, -1) })]];
    assert.ok(isSurelyFinite({ base, rounds: pair(1e30) }));
    assert.ok(!isSurelyFinite({ base, rounds: pair(2e38) })); // finite, and too near to the end
    assert.ok(!isSurelyFinite({ base, rounds: pair(NaN) }));
  });

  it("never says so of params that are not finite", async () => {
    const number = fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(1e38, 3e38, Infinity, NaN));
    const two = fc.tuple(number, number);
    const pair = fc.tuple(two, two).map(([b, a]) => term({ b: column(...b), a: row(...a) }));
    const rounds = fc.array(fc.array(pair, { maxLength: 2 }), { maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(rounds, async (added) => {
        const own = { base, rounds: added };
        if (!isSurelyFinite(own)) return;
        const resolved = (await resolveParams(own)).get("m")?.data ?? [];
        assert.ok([...resolved].every(Number.isFinite));
      }),
    );
  });
});
