import assert from "node:assert/strict";
import { z } from "zod";
import { toyAggregator, toyPlugins } from "../../testing/toy.js";
import { parseTrial } from "./trial-file.js";

const weighed = {
  ...toyAggregator,
  name: "weighed",
  schema: z.strictObject({ weighting: z.enum(["samples", "uniform"]).default("samples") }),
};
const aggregators = new Map([...toyPlugins.aggregators, ["weighed", weighed] as const]);
const file = `name: toy
rounds: 1
clients: 4
task: { name: toy }
weighting: uniform
aggregator: { name: weighed }
baselines:
  - { label: own, aggregator: { name: weighed, weighting: samples } }
  - { label: plain, aggregator: { name: toy-mean } }
  - { label: other, aggregator: { name: weighed } }
`;

describe("the weighting of a trial", () => {
  it("holds for the rules that have the option and do not set it", () => {
    const { aggregator, baselines, ...rest } = parseTrial(file, "t.yaml", {
      ...toyPlugins,
      aggregators,
    });
    assert.deepEqual(
      [aggregator, ...baselines.map((arm) => arm.aggregator)],
      [
        { name: "weighed", weighting: "uniform" },
        { name: "weighed", weighting: "samples" },
        { name: "toy-mean" },
        { name: "weighed", weighting: "uniform" },
      ],
    );
    assert.ok(!("weighting" in rest));
  });
});
