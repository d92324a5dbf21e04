import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { runDocument } from "./support/document-script.js";

describe("docs/performance.md", function () {
  this.timeout(300_000); // three programs with a profiler in each

  it("profiles a trial in one process, and a coordinator and a host", async () => {
    // streamed.test.ts streams a smaller trial of the same file.
    const isLong = (line: string) =>
      /^npm run (lab -- )?(bench|lab -- million)|trials\/scale\/lr-mnist\.yaml$/.test(line);
    const { folder, code, stdout, stderr } = await runDocument("docs/performance.md", isLong);
    assert.equal(code, 0, stdout.slice(-2000) + stderr);
    // CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile: each thread writes its own file.
    const profiles = await readdir(join(folder, "profiles"));
    assert.equal(new Set(profiles.map((name) => name.split(".")[3])).size, 3);
  });
});
