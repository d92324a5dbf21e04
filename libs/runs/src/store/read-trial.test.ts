import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { readRunTrial } from "./read-trial.js";

describe("the trial of a run folder", () => {
  it("is not the file to which a stranger's link leads", async () => {
    const root = await mkdtemp(join(tmpdir(), "read-trial-"));
    try {
      const folder = join(root, "run");
      await mkdir(folder);
      await writeFile(join(root, "secret"), "SECRET");
      await symlink("../secret", join(folder, "trial.yaml"));
      assert.throws(
        () => readRunTrial(folder),
        (error) =>
          error instanceof UserError &&
          /got a link that leads out of it$/.test(error.message) &&
          !error.message.includes("SECRET"),
      );
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
