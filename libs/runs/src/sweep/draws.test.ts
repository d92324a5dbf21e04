import assert from "node:assert/strict";
import type { Plugins } from "@fedclair/core";
import { readTrialSource } from "@fedclair/core/internal";
import { toyPlugins } from "@fedclair/core/testing";
import { z } from "zod";
import { parseSweep, type Sweep } from "./index.js";

const toy = toyPlugins.tasks.get("toy") ?? assert.fail("no toy");
const seeded = { ...toy, name: "seeded", schema: z.strictObject({ dataSeed: z.int().default(1) }) };
const plugins: Plugins = {
  ...toyPlugins,
  tasks: new Map([
    ["toy", toy],
    ["seeded", seeded],
  ]),
};
const file = `
name: grid
seeds: 2
rounds: 1
clients: 4
task: { name: seeded }
aggregator: { name: toy-mean }
attacks: [{ attack: { name: toy-shift }, count: 1 }]
`;
const parse = (...overrides: string[]) =>
  parseSweep(readTrialSource(file, "s.yaml", overrides), plugins);
const dataSeeds = ({ trials }: Sweep) =>
  trials.map(({ trial }) => (trial.task as { readonly dataSeed?: number }).dataSeed);

describe("the data of a study", () => {
  it("are drawn anew for each seed, and the study says so", () => {
    const study = parse();
    assert.deepEqual(dataSeeds(study), [1, 2]);
    assert.deepEqual(study.notes, [
      "Redrawn for each seed, as far as random: data, partition and contaminated clients.",
    ]);
    assert.deepEqual(dataSeeds(parse("seeds=[7]")), [7]);
    // The first seed is the same trial as a single run, which has the default of the option.
    const [first] = study.trials;
    assert.equal(parse("seeds=1", "task.dataSeed=1").trials[0]?.id, first?.id);
  });

  it("are the same in all seeds if the file sets dataSeed", () => {
    const fixed = parse(
      "task.dataSeed=5",
      "attacks=[{ attack: { name: toy-shift }, clients: [c00] }]",
    );
    assert.deepEqual(dataSeeds(fixed), [5, 5]);
    assert.deepEqual(fixed.notes, [
      "task.dataSeed fixes data and partition, so the intervals do not cover other draws. The contaminated clients are the same in all seeds.",
    ]);
    assert.deepEqual(dataSeeds(parse("task.dataSeed=[3, 4]")), [3, 3, 4, 4]);
  });

  it("are left to a task without the option", () => {
    const [note = ""] = parse("task.name=toy", "attacks=[]").notes ?? [];
    assert.equal(note, "The task toy has no dataSeed: its data may be the same in all seeds.");
  });
});
