import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { breakForeignLock, findHolder, Lock } from "./lock.js";

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

  it("is held by one process, which the error names, until it is released", async () => {
    const lock = await Lock.acquire(folder);
    await assert.rejects(
      Lock.acquire(folder),
      new RegExp(`UserError: '${folder}' is in use by process ${process.pid} on .* since 20`),
    );
    assert.equal(findHolder(folder)?.pid, process.pid);
    lock.check();
    await lock.release();
    assert.equal(findHolder(folder), undefined);
    assert.deepEqual(await readdir(folder), []);
    await (await Lock.acquire(folder)).release();
  });

  it("is taken over by exactly one process if its holder is gone", async () => {
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "close");
    await write({ ...here, pid: child.pid, id: "a" });
    assert.equal(findHolder(folder), undefined);
    // A stale breaker, left by another process that was about to take the lock over, must not block
    // them.
    const breaker = JSON.stringify({ ...here, pid: child.pid, id: "b" });
    await writeFile(join(folder, "lock.a"), breaker);
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => Lock.acquire(folder)),
    );
    const locks = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    assert.equal(locks.length, 1);
    assert.deepEqual(await readdir(folder), ["lock"]);
  });

  it("is taken over if it is a link that leads nowhere", async function () {
    if (process.platform === "win32") this.skip();
    await symlink("nowhere", path);
    const results = await Promise.allSettled([1, 2, 3].map(() => Lock.acquire(folder)));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.deepEqual(await readdir(folder), ["lock"]);
  });

  it("is taken over if another process now has the holder's pid", async function () {
    // without /proc, the start of a process is unknown
    if (!existsSync("/proc/self/stat")) this.skip();
    await write({ ...here, birth: "another boot 1" });
    await Lock.acquire(folder);
    assert.match(await readFile(path, "utf8"), /"birth"/);
  });

  it("counts as held if its holder is not visible, until the machine reboots", async function () {
    // without /proc, containers look the same
    if (!existsSync("/proc/self/ns/pid")) this.skip();
    const lock = await Lock.acquire(folder);
    const text = await readFile(path, "utf8");
    const elsewhere = { ...(JSON.parse(text) as object), namespace: "pid:[1]", pid: 2 ** 30 };
    await write(elsewhere);
    await assert.rejects(
      Lock.acquire(folder),
      /in use by process 1073741824 on .*: wait .* remove '/,
    );
    await write({ ...elsewhere, birth: "another boot 1" });
    await Lock.acquire(folder);
    await write(elsewhere);
    await breakForeignLock(folder);
    await Lock.acquire(folder);
    assert.throws(() => {
      lock.check();
    }, /is gone or held by another process/);
  });

  it("can be broken if an engine knows that another machine is gone, and its holder notices", async () => {
    await write({ ...here, host: "elsewhere" });
    await assert.rejects(Lock.acquire(folder), /in use by process \d+ on elsewhere since/);
    await breakForeignLock(folder);
    const lock = await Lock.acquire(folder);
    await breakForeignLock(folder); // this process is visible, so its lock stays
    lock.check();
    await breakForeignLock(join(folder, "nowhere"));
    await writeFile(path, (await readFile(path, "utf8")).replace(hostname(), "elsewhere"));
    await breakForeignLock(folder);
    assert.throws(() => {
      lock.check();
    }, /is gone or held by another process/);
  });

  it("is taken over if it is unreadable", async () => {
    await writeFile(path, "{");
    const lock = await Lock.acquire(folder);
    assert.deepEqual(await readdir(folder), ["lock"]);
    await lock.release();
  });

  it("counts as held on another machine, or without a birth", async () => {
    await write({ ...here, host: "elsewhere", pid: 2 ** 30 });
    await assert.rejects(
      Lock.acquire(folder),
      /on elsewhere since .*; if that process is gone, remove /,
    );
    await write(here);
    await assert.rejects(Lock.acquire(folder), /in use by process/);
  });

  it("is reported as gone if its file was removed", async () => {
    const lock = await Lock.acquire(folder);
    await rm(path);
    assert.throws(() => {
      lock.check();
    }, /is gone or held by another process/);
    const other = await Lock.acquire(folder);
    await lock.release();
    other.check();
  });
});
