import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, trialFiles } from "./verify.js";

describe("compare", () => {
  const summaries = [
    { measures: { recall: 1, gain: 0.02 } },
    { measures: { recall: 0.5, gain: 0.0312345 } },
  ];
  const rows = (measures: Record<string, { min?: number; max?: number }>) =>
    compare({ expect: { measures } }, summaries);

  it("holds every seed to the range, its ends included", () => {
    assert.deepEqual(rows({ gain: { min: 0.02 }, recall: { min: 0.6 } }), [
      { within: true, text: "gain: measured 0.02, 0.03123; expected ≥ 0.02" },
      { within: false, text: "recall: measured 1, 0.5; expected ≥ 0.6" },
    ]);
    assert.equal(rows({ recall: { max: 1 } })[0]?.within, true);
    assert.equal(rows({ gain: { min: 0.01, max: 0.03 } })[0]?.within, false);
  });

  it("fails a measure that is not there", () => {
    assert.deepEqual(rows({ recal: { min: 0 } }), [
      { within: false, text: "recal: measured absent, absent; expected ≥ 0" },
    ]);
  });
});

describe("trialFiles", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    await mkdir(join(folder, "b"));
    for (const name of ["b/z.yaml", "a.yaml", "notes.md"]) await writeFile(join(folder, name), "");
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("finds trial files at any depth, sorted, and takes a single one as it is", async () => {
    assert.deepEqual(await trialFiles(folder), [join(folder, "a.yaml"), join(folder, "b/z.yaml")]);
    assert.deepEqual(await trialFiles(join(folder, "a.yaml")), [join(folder, "a.yaml")]);
  });

  it("refuses what does not exist", async () => {
    await assert.rejects(trialFiles(join(folder, "c")), /no trial file or folder/);
  });
});
