import assert from "node:assert/strict";
import { addTerms, Products } from "./merge.js";
import type { TensorDelta } from "./update.js";

const f32 = (shape: number[], ...values: number[]) => ({ shape, data: Float32Array.from(values) });

describe("addTerms", () => {
  const params = new Map([
    ["w", f32([2, 2], 1, 1, 1, 1)],
    ["still", f32([1], 7)],
  ]);

  it("adds dense terms and multiplies pairs out", async () => {
    const pair: TensorDelta = { b: f32([2, 1], 1, 2), a: f32([1, 2], 10, 20) };
    const sum = await addTerms(
      params,
      [new Map([["w", pair]]), new Map([["w", f32([2, 2], 0, 0, 0, 5)]])],
      new Products(),
    );
    assert.deepEqual(sum.get("w"), f32([2, 2], 11, 21, 21, 46));
    assert.equal(sum.get("still"), params.get("still"));
    assert.deepEqual(params.get("w"), f32([2, 2], 1, 1, 1, 1), "the old params are untouched");
  });

  it("multiplies a shared pair out once, and does not keep the product of another", async () => {
    const pair = (): TensorDelta => ({ b: f32([2, 1], 1, 2), a: f32([1, 2], 10, 20) });
    const [shared, own] = [pair(), pair()];
    const products = new Products([shared, own, shared].map((one) => new Map([["w", one]])));
    assert.equal(await products.of(shared), await products.of(shared));
    assert.notEqual(await products.of(own), await products.of(own));
    assert.deepEqual(await products.of(own), await products.of(shared));
  });

  it("refuses a module that the params lack", async () => {
    await assert.rejects(
      addTerms(params, [new Map([["v", f32([1], 1)]])], new Products()),
      /changes module 'v', which the params lack/,
    );
  });
});
