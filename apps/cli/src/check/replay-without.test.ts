import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { replayWithout } from "./replay-without.js";

describe("replayWithout", () => {
  it("follows no link that lies where its folder belongs", async () => {
    const place = await mkdtemp(join(tmpdir(), "fedclair-replay-"));
    const outside = join(place, "outside");
    await mkdir(outside);
    const run = join(place, "run");
    await symlink(outside, `${run}-without-c01`);
    const stored = { folder: run } as Parameters<typeof replayWithout>[0];
    const options = { without: ["c01"], from: 1 } as unknown as Parameters<typeof replayWithout>[1];
    await assert.rejects(replayWithout(stored, options), /run-without-c01': .*got a link: remove/);
    assert.deepEqual(await readdir(outside), []);
    await rm(place, { recursive: true });
  });
});
