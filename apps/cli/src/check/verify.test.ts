import assert from "node:assert/strict";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verify } from "./verify.js";

describe("verify", () => {
  it("takes a folder whose run.json cannot be read for a run, and runs nothing of it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "fedclair-verify-"));
    try {
      await symlink("run.json", join(folder, "run.json"));
      const options = { set: [], json: false, trust: false, plugins: [], asks: false };
      await assert.rejects(verify([folder], options), { message: /holds no run/ });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
