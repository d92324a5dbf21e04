import assert from "node:assert/strict";
import { aggregators } from "./index.js";
import { describeAggregator } from "./testing/conformance.js";

for (const plugin of aggregators.values()) describeAggregator(plugin);

describe("the registry of aggregators", () => {
  it("knows each by its own name, and each refuses an option that it does not have", () => {
    for (const [name, plugin] of aggregators) {
      assert.equal(plugin.name, name);
      assert.equal(plugin.schema.safeParse({}).success, true);
      assert.equal(plugin.schema.safeParse({ wieghting: "samples" }).success, false);
    }
  });
});
