import assert from "node:assert/strict";
import type { Trial } from "@fedclair/core/internal";
import { listWeightingNotes } from "./weighting-note.js";

const trial = (...rules: readonly object[]) => {
  const [aggregator, ...others] = rules;
  const baselines = others.map((rule, i) => ({ label: `b${i}`, aggregator: rule, clients: "all" }));
  return { aggregator, baselines } as unknown as Trial;
};
const fedavg = { name: "fedavg", weighting: "samples" };
const clair = { name: "clair", weighting: "uniform" };

describe("the note about weighting", () => {
  it("names the rules that weigh clients in each way", () => {
    const [note = "", ...more] = listWeightingNotes([
      trial(fedavg, clair, { name: "local" }),
      trial({ name: "krum" }),
      trial({ name: "krum" }),
    ]);
    assert.deepEqual(more, []);
    assert.match(
      note,
      /: fedavg by number of samples, b0 \(clair\) evenly, krum without such an option\. weighting: uniform is one setting for all\.$/,
    );
  });

  it("is absent if all weigh alike", () => {
    assert.deepEqual(listWeightingNotes([trial(clair, { name: "krum" })]), []);
    assert.deepEqual(listWeightingNotes([trial(fedavg, { name: "local" })]), []);
  });
});
