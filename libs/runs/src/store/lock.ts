import { randomUUID } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";
import { link, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { systemErrorCode } from "../words/system-error.js";
import { readText, UnreadableError } from "./regular-file.js";

/** The process that holds a folder. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process locked the folder, ISO 8601. */
  readonly since: string;
  /**
   * Distinguishes the process from a later one with the same pid; absent if the system does not
   * report it.
   */
  readonly birth?: string | undefined;
  /**
   * The namespace of the pid; absent if the system does not report it. Containers that share a
   * hostname cannot see each other's processes.
   */
  readonly namespace?: string | undefined;
  /** Distinguishes two locks of one process. */
  readonly id?: string | undefined;
}

/** The name of a lock file in its folder. */
export const lockFile = "lock";

/**
 * A lock on a folder that only one process may write to. The lock is a file that identifies its
 * holder. If the holder is gone, another process may take the lock over.
 */
export class Lock {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** Locks a folder. @throws InUse naming the holder, if there is one */
  static async acquire(folder: string): Promise<Lock> {
    const path = join(folder, lockFile);
    const own: Holder = {
      pid: process.pid,
      host: hostname(),
      since: new Date().toISOString(),
      birth: readBirth(process.pid),
      namespace: readNamespace(),
      id: randomUUID(),
    };
    const text = JSON.stringify(own) + "\n";
    // The file is written first and linked afterwards, so that no process ever sees half a lock.
    const aside = `${path}.by-${own.id}`;
    await writeFile(aside, text, { flag: "wx" });
    try {
      while (!(await tryLink(aside, path))) await removeStale(folder, path, aside);
    } finally {
      await rm(aside, { force: true }).catch(() => undefined); // a leftover file does no harm
    }
    return new Lock(path, text);
  }

  /**
   * Checks that this process still holds the lock.
   * @throws UserError if the lock was removed, for example by a person who believed it to be stale;
   *   two writers would corrupt the folder
   */
  check(): void {
    if (readLockFile(this.#path) === this.#text) return;
    throw new UserError(
      `'${this.#path}' is gone or held by another process: is there a second run? This one ends`,
    );
  }

  async release(): Promise<void> {
    if (readLockFile(this.#path) === this.#text) await rm(this.#path);
  }
}

/** Finds the process that holds a folder; undefined if there is none, or if it is gone. */
export function findHolder(folder: string): Holder | undefined {
  const holder = parseHolder(readLockFile(join(folder, lockFile)));
  return holder && isAlive(holder) ? holder : undefined;
}

/**
 * Removes the lock of a process that this machine cannot see. The caller must know that the process
 * is gone, for example because Slurm has started its task again here. If it is still running, it
 * ends before it writes again (`Lock.check`).
 */
export async function breakForeignLock(folder: string): Promise<void> {
  const path = join(folder, lockFile);
  const holder = parseHolder(readLockFile(path));
  if (holder && !canSeeProcess(holder)) await rm(path, { force: true });
}

/** A folder is unavailable because another process holds it. */
export class InUse extends UserError {
  /** Is the process on this machine, where its end is noticed? */
  readonly isHere: boolean;

  constructor(folder: string, holder: Holder) {
    const { pid, host, since } = holder;
    const who = `process ${pid} on ${printable(host, 100)} since ${printable(since, 40)}`;
    const isHere = canSeeProcess(holder);
    const advice = isHere
      ? ""
      : `; machines share a sweep by --queue or --slurm, not by a folder; if that process is gone, remove '${join(folder, lockFile)}'`;
    super(`'${folder}' is in use by ${who}: wait for it, or choose another folder${advice}`);
    this.isHere = isHere;
  }
}

/**
 * Removes a lock whose holder is gone. Only the process that holds the lock's breaker, itself a
 * lock, may do so. Otherwise several processes could find the lock stale, and one could remove the
 * lock of the next holder. A stale breaker is removed in the same way.
 * @param own a file that identifies this process
 * @throws InUse if the holder is still running
 */
async function removeStale(folder: string, path: string, own: string): Promise<void> {
  const text = readLockFile(path);
  // Without a text it was released meanwhile, or is a link that leads nowhere.
  if (text === undefined && !isLink(path)) return;
  const holder = parseHolder(text);
  if (holder && isAlive(holder)) {
    if (path !== join(folder, lockFile)) return delay(1); // its holder is about to finish
    throw new InUse(folder, holder);
  }
  const breaker = `${path}.${holder?.id ?? "none"}`;
  if (!(await tryLink(own, breaker))) return removeStale(folder, breaker, own);
  try {
    if (readLockFile(path) === text) await rm(path, { force: true });
  } finally {
    await rm(breaker, { force: true });
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** Creates a hard link. Returns false if the name is taken. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** A lock has a few hundred bytes. */
const maxLockBytes = 2 ** 16;

function readLockFile(path: string): string | undefined {
  try {
    return readText(path, maxLockBytes);
  } catch (error) {
    if (error instanceof UnreadableError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** Parses a lock file. Returns undefined if it is not a valid lock. */
function parseHolder(text: string | undefined): Holder | undefined {
  try {
    const { pid, host, since, birth, namespace, id } = JSON.parse(text ?? "") as Partial<Holder>;
    if (typeof pid !== "number" || typeof host !== "string") return undefined;
    const holder = { pid, host, since: String(since), birth, namespace };
    return { ...holder, id: id?.replaceAll(/[^\w-]/g, "") };
  } catch {
    return undefined;
  }
}

/** Can this process see whether the holder is running? */
function canSeeProcess({ host, namespace = readNamespace() }: Holder): boolean {
  return host === hostname() && namespace === readNamespace();
}

/**
 * Is the holder still running? A process on another machine or in another container cannot be
 * checked and counts as running.
 */
function isAlive(holder: Holder): boolean {
  const { pid, host, birth } = holder;
  const boot = bootOf(birth);
  if (host === hostname() && boot !== undefined && boot !== bootOf(readBirth(process.pid)))
    return false; // the machine has rebooted since
  if (!canSeeProcess(holder)) return true;
  if (birth !== undefined) return readBirth(pid) === birth;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === "EPERM";
  }
}

function bootOf(birth: string | undefined): string | undefined {
  return birth?.slice(0, birth.lastIndexOf(" "));
}

/** Reads the pid namespace of this process, on systems with /proc. */
function readNamespace(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

/**
 * Reads when a process began, on systems with /proc: the boot id of the machine and the ticks since
 * boot. Returns undefined if the process is gone.
 */
function readBirth(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, which may contain any character.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    return state === "Z" || state === "X" ? undefined : `${boot} ${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}
