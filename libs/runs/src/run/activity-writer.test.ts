import type { HostStatus } from "@fedclair/core/internal";
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readActivity } from "../store/activity.js";
import { ActivityWriter } from "./activity-writer.js";
import type { ArmEvent } from "./run-trial.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fedclair-"));
});
afterEach(() => rm(folder, { recursive: true }));

const host: HostStatus = {
  name: "host 1",
  address: "127.0.0.1",
  version: "0.1.0",
  external: false,
  capacity: 4,
  clients: "c00-c03",
  clientCount: 4,
  openJobs: 1,
  bytesSent: 10,
  bytesReceived: 5,
  joined: "2026-01-01T00:00:00.000Z",
  lastSeen: "2026-01-01T00:00:01.000Z",
  returns: 0,
};

const event = (value: object) => ({ arm: { label: "clair" }, event: value }) as unknown as ArmEvent;

describe("ActivityWriter", () => {
  it("writes how far a round is and which hosts there are", () => {
    const writer = new ActivityWriter(folder, () => [host]);
    writer.event(event({ kind: "sampled", round: 2, cohort: ["c00", "c01"] }));
    for (const kind of ["answered", "answered", "aggregated", "answered"])
      writer.event(event({ kind }));
    writer.close();
    const { written, ...activity } = readActivity(folder) ?? assert.fail("there is no activity");
    assert.ok(Date.now() - Date.parse(written) < 60_000);
    assert.deepEqual(activity, {
      arm: "clair",
      round: 2,
      doing: "finished",
      asked: 2,
      answered: 2,
      hosts: [host],
    });
  });
});

describe("a link in place of activity.json", () => {
  it("does not lead the writer elsewhere", async () => {
    await writeFile(join(folder, "elsewhere"), "mine");
    await symlink(join(folder, "elsewhere"), join(folder, "activity.json"));
    new ActivityWriter(folder).close();
    assert.equal(await readFile(join(folder, "elsewhere"), "utf8"), "mine");
  });
});

describe("readActivity", () => {
  it("returns nothing for a missing or a broken file, and makes texts printable", async () => {
    assert.equal(readActivity(folder), undefined);
    await writeFile(join(folder, "activity.json"), '{"doing":"dancing"}');
    assert.equal(readActivity(folder), undefined);
    const activity = { written: "x", doing: "training", asked: 1, answered: 0 };
    const hosts = [{ ...host, name: "a\u001b[31mb" }];
    await writeFile(join(folder, "activity.json"), JSON.stringify({ ...activity, hosts }));
    assert.doesNotMatch(readActivity(folder)?.hosts[0]?.name ?? "", /\u001b/);
  });
});
