import assert from "node:assert/strict";
import type { Delta, Params, TensorDelta } from "@fedclair/core";
import { resolveParams } from "@fedclair/core/internal";
import fc from "fast-check";
import { checkTerms } from "./check-terms.js";
import { plain, rounds } from "../../testing/arbitraries.js";
import { WireError } from "../codec/wire-error.js";

const zeros = (...shape: number[]) => ({
  shape,
  data: new Float64Array(shape.reduce((size, extent) => size * extent, 1)),
});
const base: Params = new Map([
  ["v", zeros(2)],
  ["w", zeros(2, 3)],
]);

function refusal(changes: Record<string, TensorDelta>): string | undefined {
  const delta: Delta = new Map(Object.entries(changes));
  try {
    checkTerms({ base, rounds: [[], [new Map(), delta]] });
    return undefined;
  } catch (error) {
    assert.ok(error instanceof WireError);
    return `${error.failure.code}: ${error.failure.message}`;
  }
}

describe("checkTerms", () => {
  it("accepts terms that fit the base, in whole or in part", () => {
    assert.equal(refusal({}), undefined);
    assert.equal(refusal({ v: zeros(2) }), undefined);
    assert.equal(refusal({ w: { b: zeros(2, 4), a: zeros(4, 3) } }), undefined);
    assert.equal(refusal({ v: zeros(2), w: zeros(2, 3) }), undefined);
  });

  it("names the module that the base lacks, or the wrong shape", () => {
    assert.equal(refusal({ u: zeros(2) }), "WRONG_MODULES: module 'u': the job's base has none");
    for (const [change, got] of [
      [zeros(3, 2), "3×2"],
      [zeros(6), "6"],
      [{ b: zeros(2, 1), a: zeros(1, 2) }, "2×1 times 1×2"],
      [{ b: zeros(2, 1), a: zeros(2, 3) }, "2×1 times 2×3"],
      [{ b: zeros(2), a: zeros(2, 3) }, "2 times 2×3"],
      [{ b: zeros(2, 1, 1), a: zeros(1, 3) }, "2×1×1 times 1×3"],
    ] as const) {
      const message = `WRONG_SHAPE: module 'w': expected a change of 2×3, got ${got}`;
      assert.equal(refusal({ w: change }), message);
    }
  });

  it("rejects everything that cannot be added", async () => {
    let passed = 0;
    const extent = fc.integer({ min: 2, max: 3 });
    const shaped = fc.array(extent, { minLength: 1, maxLength: 2 }).map((shape) => zeros(...shape));
    const change = fc.oneof(shaped, plain({ b: shaped, a: shaped }));
    const delta = fc.tuple(fc.constantFrom("v", "w"), change).map((entry) => new Map([entry]));
    const some = fc.oneof(
      rounds,
      fc.array(delta, { maxLength: 2 }).map((terms) => [terms]),
    );
    await fc.assert(
      fc.asyncProperty(some, async (added) => {
        const params = { base, rounds: added };
        try {
          checkTerms(params);
        } catch (error) {
          assert.ok(error instanceof WireError);
          return;
        }
        const resolved = await resolveParams(params);
        assert.deepEqual([...resolved.keys()], ["v", "w"]);
        if (added.flat().some(({ size }) => size > 0)) passed++;
      }),
      { numRuns: 2000, seed: 1 },
    );
    assert.ok(passed > 20, `${passed} passed`);
  });
});
