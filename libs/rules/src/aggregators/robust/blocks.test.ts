import assert from "node:assert/strict";
import { isLowRank, toTensor, type TensorDelta } from "@fedclair/core";
import { gaussian, stream, item, at } from "@fedclair/linalg";
import { toFactors, toLowRank, product } from "../factors.js";
import { iterateBlocks } from "./blocks.js";
import { gramOf } from "./gram.js";

const rng = stream("blocks");
const pair = () => toLowRank({ b: gaussian(rng, 401, 2), a: gaussian(rng, 2, 701) });

/** Puts together all blocks that `iterateBlocks` yields, for each client. */
async function readAll(changes: readonly TensorDelta[]): Promise<Float64Array[]> {
  const out = changes.map(() => new Float64Array(401 * 701));
  for await (const { from, columns } of iterateBlocks(changes)) {
    columns.forEach((column, k) => out[k]?.set(column, from));
  }
  return out;
}

describe("iterateBlocks", () => {
  it("yields every number of pairs and of dense changes in both dtypes, row by row", async () => {
    const dense = toTensor(gaussian(rng, 401, 701));
    const single = { ...dense, data: Float32Array.from(dense.data) };
    const changes = [pair(), dense, pair(), single];
    const read = await readAll(changes);
    changes.forEach((change, k) => {
      const expected = isLowRank(change)
        ? product(toFactors(change)).toRowMajor()
        : Float64Array.from(change.data);
      const wrong = expected.findIndex((x, i) => !(Math.abs(x - at(item(read, k), i)) < 1e-14));
      assert.equal(wrong, -1, `client ${k}`);
    });
  });

  it("yields a scalar", async () => {
    const scalar = { shape: [], data: Float64Array.of(3) };
    for await (const { from, columns } of iterateBlocks([scalar])) {
      assert.equal(from, 0);
      assert.deepEqual(columns, [Float64Array.of(3)]);
    }
  });

  it("yields to the event loop in between", async () => {
    let turns = 0;
    let immediate = setImmediate(function count() {
      turns++;
      immediate = setImmediate(count);
    });
    // 10⁹ multiplications.
    const vector = { shape: [200_000], data: new Float64Array(200_000).fill(1) };
    await gramOf([new Array<TensorDelta>(100).fill(vector)]);
    clearImmediate(immediate);
    assert.ok(turns >= 2, `${turns} turns`);
  });
});
