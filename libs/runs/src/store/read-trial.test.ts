import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readRunTrial, readRunTrialText } from "./read-trial.js";

describe("the trial of a run folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("has the present names of options that were renamed, in the main arm and the baselines", async () => {
    const old = `task: { name: toy, loo: 7 }
aggregator:
  cSteps: 30
  loo: true
  looMax: 128
  name: clair
baselines:
  - { label: other, aggregator: { name: clair, loo: false } }
  - { label: mean, aggregator: { name: fedavg } }
`;
    await writeFile(join(folder, "trial.yaml"), old);
    assert.deepEqual(await readRunTrial(folder), {
      task: { name: "toy", loo: 7 },
      aggregator: { maxSteps: 30, leaveOneOut: true, leaveOneOutMax: 128, name: "clair" },
      baselines: [
        { label: "other", aggregator: { name: "clair", leaveOneOut: false } },
        { label: "mean", aggregator: { name: "fedavg" } },
      ],
    });
  });

  it("is read as it is if it has no old name", async () => {
    const text = "aggregator: { name: clair, maxSteps: 3 } # as written\n";
    await writeFile(join(folder, "trial.yaml"), text);
    assert.equal(await readRunTrialText(folder), text);
  });
});
