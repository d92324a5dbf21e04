import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeRun } from "../../testing/run-folder.js";
import { listEntries } from "./listing.js";

describe("listEntries", () => {
  it("lists a run that cannot be read, with the reason, and skips other folders", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-listing-"));
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
    await rm(folder, { recursive: true });
  });
});
