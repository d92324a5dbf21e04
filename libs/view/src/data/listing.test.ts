import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeRun } from "../../testing/run-folder.js";
import { listEntries } from "./listing.js";

describe("listEntries", () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "fedclair-listing-"))));
  afterEach(() => rm(folder, { recursive: true }));

  it("lists a run that cannot be read, with the reason, and skips other folders", async () => {
    await mkdir(join(folder, "other"));
    await mkdir(join(folder, "run"));
    for (const name of ["run.json", "trial.yaml"]) await writeFile(join(folder, "run", name), "[");
    const { entries } = await listEntries(folder, "");
    assert.deepEqual(
      entries.map(({ path, status }) => [path, status]),
      [["run", "broken"]],
    );
    assert.match(entries[0]?.fault ?? "", /run\.json' is broken: restore it/);
    await writeRun(join(folder, "run"));
    await writeFile(join(folder, "run", "summary.json"), "{");
    const [damaged] = (await listEntries(folder, "")).entries;
    assert.equal(damaged?.status, "failed");
    assert.match(damaged.fault ?? "", /^its summary\.json is damaged/);
  });

  it("lists a sweep with the verdicts of its finished runs, or why it cannot be read", async () => {
    await writeRun(join(folder, "grid", "one"));
    const counts = { recall: 0.5, undecidedContaminated: 0, falseAlarms: 0, undecidedBenign: 0 };
    const details = Object.entries(counts).map(([metric, value]) => {
      return { name: `detection.${metric}`, scope: "detection", metric, value, n: 2 };
    });
    const summary = { name: "t", seed: 1, arms: ["clair"], stopped: {}, measures: {}, details };
    await writeFile(join(folder, "grid", "one", "summary.json"), JSON.stringify(summary));
    const trials = ["one", "two"].map((name, i) => {
      return { id: `${i}`.padStart(16, "0"), folder: name, seed: i, at: [], arms: [] };
    });
    const grid = { version: "0", file: "", set: [], name: "grid", dimensions: [], measures: [] };
    await writeFile(join(folder, "grid", "sweep.json"), JSON.stringify({ ...grid, trials }));
    const [entry] = (await listEntries(folder, "")).entries;
    assert.deepEqual([entry?.done, entry?.of, entry?.card?.tone], [1, 2, "bad"]);
    assert.equal(entry?.card?.parts[0], "1 of 2 contaminated flagged");
    await writeFile(join(folder, "grid", "sweep.json"), "{");
    const [broken] = (await listEntries(folder, "")).entries;
    assert.equal(broken?.status, "broken");
    assert.match(broken.fault ?? "", /^its sweep\.json is damaged: start the sweep again/);
  });
});
