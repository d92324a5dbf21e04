import { loadRegistry, type AggregatorPlugin } from "@fedclair/core";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describeAggregator } from "@fedclair/core/testing";
import { bucketing } from "./bucketing/index.js";
import { attackLoaders } from "../client-loaders.js";
import { aggregatorLoaders } from "./loaders.js";
import { nnm } from "./nnm/index.js";

const aggregators = await loadRegistry<AggregatorPlugin>(aggregatorLoaders);

/** The rules that return a dense change for factored updates, with the reason. */
const multiplyOut: ReadonlyMap<string, string> = new Map(
  ["coordinate-median", "trimmed-mean", "bulyan", "meamed"].map((name) => [
    name,
    "dense, as a rule of single coordinates keeps no low rank",
  ]),
);

const dependsOnSeed = "buckets are random";

for (const [name, plugin] of aggregators) {
  const why = multiplyOut.get(name);
  describeAggregator(plugin, {
    ...(why !== undefined && { multipliesOut: why }),
    ...(name === "bucketing" && { dependsOnSeed }),
  });
}

/** Further options to test. */
const others: readonly (readonly [string, object])[] = [
  ["fltrust", { root: "c03" }],
  ["norm-clip", { most: 1e6 }],
  ["monna", { root: "c03" }],
];
for (const [name, options] of others) {
  describeAggregator(aggregators.get(name) ?? assert.fail(name), { options });
}

for (const options of [
  { rule: "caf" },
  { size: 3, fraction: 0.1, rule: "mda" },
  { rule: { name: "nnm", rule: "multi-krum" } },
]) {
  describeAggregator(bucketing, { options, dependsOnSeed });
}
describeAggregator(nnm, {
  options: { rule: { name: "bucketing", size: 2, rule: "dnc" } },
  dependsOnSeed,
});
describeAggregator(bucketing, {
  options: { rule: "bulyan" },
  dependsOnSeed,
  multipliesOut: "dense, as a rule of single coordinates keeps no low rank",
});

describe("the registry of aggregators", () => {
  it("registers each aggregator under its own name, and each rejects an unknown option", () => {
    for (const [name, plugin] of aggregators) {
      assert.equal(plugin.name, name);
      assert.equal(plugin.schema.safeParse({}).success, true);
      assert.equal(plugin.schema.safeParse({ wieghting: "samples" }).success, false);
    }
  });
  it("has as many aggregators and attacks as the README says", () => {
    const readme = readFileSync(new URL("../../../../../README.md", import.meta.url), "utf8");
    assert.ok(
      readme.includes(
        `${aggregators.size} other aggregators under ${Object.keys(attackLoaders).length} attacks`,
      ),
    );
  });
  it("has a row for each aggregator on the aggregators page", () => {
    const page = new URL("../../../../../docs/aggregators-and-attacks.md", import.meta.url);
    const [table = ""] = readFileSync(page, "utf8").split("## Server optimisers");
    const rows = [...table.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
    assert.deepEqual(rows.sort(), [...aggregators.keys(), "clair"].sort());
  });
});
