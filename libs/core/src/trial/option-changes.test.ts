import assert from "node:assert/strict";
import { toyPlugins } from "../../testing/index.js";
import { listOptionChanges } from "./option-changes.js";
import { parseTrial } from "./trial-file.js";

describe("listOptionChanges", () => {
  const changes = (text: string) =>
    listOptionChanges(parseTrial(text, "t.yaml", toyPlugins), toyPlugins).map(({ path, value }) => [
      path,
      value,
    ]);

  it("lists what has no default or differs from it, in the order of the trial", () => {
    const text = `
name: small
rounds: 2
clients: 4
seed: 1
cohort: { count: 3 }
task: { name: toy }
aggregator: { name: toy-mean }
attacks:
  - { attack: { name: toy-shift }, clients: [c01, c02] }
`;
    assert.deepEqual(changes(text), [
      ["name", "small"],
      ["rounds", 2],
      ["clients", 4],
      ["cohort.count", 3],
      ["task.name", "toy"],
      ["aggregator.name", "toy-mean"],
      ["attacks.0.attack.name", "toy-shift"],
      ["attacks.0.clients", ["c01", "c02"]],
    ]);
  });
});
