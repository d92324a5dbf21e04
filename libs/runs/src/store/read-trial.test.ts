import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginChoice } from "@fedclair/core/internal";
import { toyTrial } from "@fedclair/core/testing";
import { stringify } from "yaml";
import { readTrialFile } from "../process/read-trial-file.js";
import { trialHash } from "../trial-hash.js";
import { readRunTrial } from "./read-trial.js";
import { checkTrial } from "./run-folder.js";
import { findRun } from "./stored-run.js";

/** The options of CLAIR as the release before this one wrote them, without a value of their own. */
const former = {
  side: "left",
  rank: 3,
  rankMax: 8,
  solver: "trimmed",
  normalize: "unit",
  minBenignFraction: 0.5,
  starts: 16,
  subsetStarts: "auto",
  seed: 1,
  keepStarts: 3,
  maxSteps: 50,
  rule: "gap",
  falseAlarmRate: 0.05,
  gapMin: 1.2,
  gapMin2: 1.6,
  madC: 5,
  madEta: 0.25,
  fixedThreshold: 0.4,
  scoreFloor: 1e-6,
  leaveOneOut: true,
  leaveOneOutMax: 128,
  refits: 10,
  pooling: "energy",
  memoryBeta: 0.5,
  window: 1,
  zeroTol: 1e-12,
  screens: [],
  minClients: 3,
  centered: false,
  offSubspace: "mean",
  undecided: "in",
  models: "personal",
  weighting: "uniform",
  clipOff: 2,
  name: "clair",
};

/** The same options now, in the order in which the schema returns them. */
const present = {
  side: "left",
  rank: 3,
  rankMax: 8,
  minBenignFraction: 0.5,
  starts: 16,
  seed: 1,
  rule: { by: "gap", minGap: 1.2 } as object,
  memoryBeta: 0.5,
  window: 1,
  screens: [],
  centered: false,
  models: "personal",
  weighting: "uniform",
  name: "clair",
};

const trialOf = (...[aggregator, other]: PluginChoice[]) => ({
  ...toyTrial(),
  ...(aggregator && { aggregator }),
  baselines: other ? [{ label: "other", aggregator: other, clients: "all" as const }] : [],
});

describe("the trial of a run folder of an earlier release", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (trial: object) => writeFile(join(folder, "trial.yaml"), stringify(trial));
  const readArms = async (trial: object) => {
    await write(trial);
    const { trial: read, lost } = readRunTrial(folder);
    return [read.aggregator, ...read.baselines.map(({ aggregator }) => aggregator), lost];
  };

  it("has the present options, in the main arm and the baselines", async () => {
    const evidence = { ...former, rule: "evidence", gapMin: 1.3 };
    assert.deepEqual(await readArms(trialOf(former, evidence)), [
      present,
      { ...present, rule: { by: "evidence", falseAlarmRate: 0.05, undecided: "in" } },
      [],
    ]);
    const fixed = { ...former, rule: "fixed" };
    const none = { ...former, rule: "none" };
    assert.deepEqual(await readArms(trialOf(fixed, none)), [
      { ...present, rule: { by: "fixed", maxSine: 0.4 } },
      { ...present, rule: { by: "none" } },
      [],
    ]);
  });

  it("loses removed options that had a value of their own", async () => {
    const withoutRule = Object.fromEntries(
      Object.entries(present).filter(([key]) => key !== "rule"),
    );
    const evidence = { by: "evidence", falseAlarmRate: 0.05, undecided: "in" };
    for (const [own, read, lost] of [
      [{ normalize: "winsor" }, present, "normalize: winsor"],
      [{ clipOff: null }, present, "clipOff: null"],
      [{ rule: "mad" }, withoutRule, "rule: mad"],
      // Its gaps began at gapMin.
      [{ rule: "evidence" }, { ...present, rule: evidence }, "gapMin: 1.2"],
    ] as const) {
      assert.deepEqual(await readArms(trialOf({ ...former, ...own })), [read, [lost]]);
    }
  });

  it("knows the names that options had before they were removed", async () => {
    const { maxSteps, leaveOneOut, leaveOneOutMax, ...others } = former;
    const oldest = { ...others, cSteps: maxSteps, loo: leaveOneOut, looMax: leaveOneOutMax };
    assert.deepEqual(await readArms(trialOf(oldest)), [present, []]);
    assert.deepEqual(await readArms(trialOf({ ...oldest, cSteps: 30 })), [
      present,
      ["maxSteps: 30"],
    ]);
  });

  it("leaves other plug-ins alone, and a trial with present options as it was written", async () => {
    const other = { name: "nnm", rule: "krum", seed: 1, pooling: "max" };
    const text = `# as written\n${stringify(trialOf(present, other))}`;
    await writeFile(join(folder, "trial.yaml"), text);
    const { trial, written, text: read } = readRunTrial(folder);
    assert.equal(read, text);
    assert.equal(trial, written);
  });

  it("can be resumed if no option was lost", async () => {
    for (const [own, lost] of [
      [{}, undefined],
      [{ refits: 9, solver: "convex" }, "solver: convex, refits: 9"],
    ] as const) {
      const written = trialOf({ ...former, ...own });
      await write(written);
      const info = { hash: trialHash(written), version: "0.1.0", started: "", backend: "wasm" };
      await writeFile(join(folder, "run.json"), JSON.stringify(info));
      const stored = await findRun(folder);
      assert.ok(stored);
      const check = () => {
        checkTrial(stored, trialOf(present));
      };
      const read = () => readTrialFile(join(folder, "trial.yaml"));
      if (lost === undefined) {
        check();
        const { yaml } = read();
        assert.deepEqual((yaml.content as { readonly aggregator: object }).aggregator, present);
      } else {
        assert.throws(check, /made from other contents or code, or by another release/);
        assert.throws(read, {
          name: "UserError",
          message: new RegExp(
            `trial.yaml' is of a run of an earlier release with ${lost}, which this release lacks: run it with that release$`,
          ),
        });
      }
    }
  });

  it("is read without changes where it is not in a run folder", async () => {
    await write(trialOf(former));
    const { yaml } = readTrialFile(join(folder, "trial.yaml"));
    assert.deepEqual((yaml.content as { readonly aggregator: object }).aggregator, former);
  });
});
