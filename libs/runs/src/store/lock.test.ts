import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { breakLocks, holderOf, Lock } from "./lock.js";

describe("Lock", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fedclair-"));
    path = join(folder, "lock");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = (holder: object) => writeFile(path, JSON.stringify(holder) + "\n");
  const here = { pid: process.pid, host: hostname(), since: "2026-01-01T00:00:00.000Z" };

  it("is held by one, who is named, until it is released", async () => {
    const lock = await Lock.take(folder);
    await assert.rejects(
      Lock.take(folder),
      new RegExp(`UserError: '${folder}' is in use by process ${process.pid} on .* since 20`),
    );
    assert.equal((await holderOf(folder))?.pid, process.pid);
    await lock.check();
    await lock.release();
    assert.equal(await holderOf(folder), undefined);
    assert.deepEqual(await readdir(folder), []);
    await (await Lock.take(folder)).release();
  });

  it("of a process that is gone is taken over, by one of many", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "close");
    await write({ ...here, pid: child.pid, id: "a" });
    assert.equal(await holderOf(folder), undefined);
    // Nor does it stop them that one who was about to take it over is gone too.
    const breaker = JSON.stringify({ ...here, pid: child.pid, id: "b" });
    await writeFile(join(folder, "lock.a"), breaker);
    const taken = await Promise.allSettled(Array.from({ length: 50 }, () => Lock.take(folder)));
    const locks = taken.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    assert.equal(locks.length, 1);
    assert.deepEqual(await readdir(folder), ["lock"]);
  });

  it("of a process whose number another one has now is taken over", async function () {
    if (!existsSync("/proc/self/stat")) this.skip(); // nothing else tells when a process began
    await write({ ...here, birth: "another boot 1" });
    await Lock.take(folder);
    assert.match(await readFile(path, "utf8"), /"birth"/);
  });

  it("of a process that this one cannot see counts as held, until the machine is started again", async function () {
    if (!existsSync("/proc/self/ns/pid")) this.skip(); // nothing else tells containers apart
    const lock = await Lock.take(folder);
    const text = await readFile(path, "utf8");
    const elsewhere = { ...(JSON.parse(text) as object), namespace: "pid:[1]", pid: 2 ** 30 };
    await write(elsewhere);
    await assert.rejects(Lock.take(folder), /in use by process 1073741824 on .*: wait .* remove '/);
    await write({ ...elsewhere, birth: "another boot 1" });
    await Lock.take(folder);
    await write(elsewhere);
    await breakLocks(hostname(), folder);
    await Lock.take(folder);
    await assert.rejects(lock.check(), /is gone or another's/);
  });

  it("of a machine that is gone is taken away by who knows that, and its holder hears of it", async () => {
    await write({ ...here, host: "elsewhere" });
    await breakLocks("another", folder);
    await assert.rejects(Lock.take(folder), /in use by process \d+ on elsewhere since/);
    await breakLocks("elsewhere", folder);
    const lock = await Lock.take(folder);
    await breakLocks(hostname(), folder); // here one can ask
    await lock.check();
    await breakLocks("elsewhere", join(folder, "nowhere"));
    await writeFile(path, (await readFile(path, "utf8")).replace(hostname(), "elsewhere"));
    await breakLocks("elsewhere", folder);
    await assert.rejects(lock.check(), /is gone or another's/);
  });

  it("that nobody can read is taken over", async () => {
    await writeFile(path, "{");
    const lock = await Lock.take(folder);
    assert.deepEqual(await readdir(folder), ["lock"]);
    await lock.release();
  });

  it("of another machine, or without a birth, counts as held", async () => {
    await write({ ...here, host: "elsewhere", pid: 2 ** 30 });
    await assert.rejects(
      Lock.take(folder),
      /on elsewhere since .*; if that process is gone, remove /,
    );
    await write(here);
    await assert.rejects(Lock.take(folder), /in use by process/);
  });

  it("that was taken away is missed", async () => {
    const lock = await Lock.take(folder);
    await rm(path);
    await assert.rejects(lock.check(), /is gone or another's/);
    const other = await Lock.take(folder);
    await lock.release();
    await other.check();
  });
});
