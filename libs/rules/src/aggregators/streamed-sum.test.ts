import assert from "node:assert/strict";
import { DenseSum, type AggregatorPlugin, type Delta, type Update } from "@fedclair/core";
import { stream } from "@fedclair/linalg";
import { fedavg } from "./fedavg/index.js";
import { normClipAggregator } from "./norm-clip/index.js";

const dense = (...data: number[]): Delta =>
  new Map([["w", { shape: [data.length], data: Float64Array.from(data) }]]);

const update = (clientId: string, numExamples: number, delta: Delta): Update => {
  return { clientId, numExamples, delta, metrics: {} };
};

/** Streams each list of updates as a part. @returns the numbers of module w */
async function streamParts(plugin: AggregatorPlugin, options: object, ...parts: Update[][]) {
  const aggregator = plugin.create(plugin.schema.parse(options) as never);
  const streamed = aggregator.stream?.({ round: 1, phase: "train", rng: stream(1) });
  assert.ok(streamed);
  for (const part of parts) await streamed.add(part);
  const { change } = await streamed.finish();
  const w = change[0]?.get("w");
  assert.ok(w && "data" in w);
  return [...w.data];
}

describe("a streamed mean", () => {
  const first = update("c00", 1, dense(3, 4));
  const second = update("c01", 3, dense(1, 0));

  it("weights clients by their samples, or equally", async () => {
    assert.deepEqual(await streamParts(fedavg, {}, [first], [second]), [1.5, 1]);
    assert.deepEqual(await streamParts(fedavg, { weighting: "uniform" }, [first, second]), [2, 2]);
  });

  it("clips to a fixed norm", async () => {
    // (3, 4) has norm 5 and becomes (0.6, 0.8); its weight stays 1 of 4.
    const options = { most: 1, weighting: "samples" };
    const clipped = await streamParts(normClipAggregator, options, [first], [second]);
    assert.deepEqual(
      clipped.map((x) => Number(x.toFixed(12))),
      [0.9, 0.2],
    );
  });

  it("is not offered for the median norm, which needs the whole cohort", () => {
    const aggregator = normClipAggregator.create(normClipAggregator.schema.parse({}) as never);
    assert.equal("stream" in aggregator, false);
  });
});

describe("StreamedSum", () => {
  it("multiplies pairs out and adds them to dense changes", async () => {
    const pair = {
      b: { shape: [2, 1], data: Float64Array.of(1, 2) },
      a: { shape: [1, 2], data: Float64Array.of(3, 4) },
    };
    const sum = new DenseSum();
    await sum.add([new Map([["m", pair]])], 2);
    await sum.add([new Map([["m", { shape: [2, 2], data: Float64Array.of(1, 1, 1, 1) }]])]);
    assert.deepEqual(sum.over(2), [
      new Map([["m", { shape: [2, 2], data: Float64Array.of(3.5, 4.5, 6.5, 8.5) }]]),
    ]);
  });

  it("rejects another size, and is empty without a term", async () => {
    const sum = new DenseSum();
    assert.deepEqual(sum.over(1), []);
    await sum.add([dense(1, 2)]);
    await assert.rejects(sum.add([dense(1)]), /module w has 1 numbers, and had 2 before/);
  });
});
