import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { systemErrorCode } from "../process/system-error.js";

/** Who holds a folder. */
export interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it took the folder, ISO 8601. */
  readonly since: string;
  /** Tells a process from a later one with the same number; absent where the system does not say. */
  readonly birth?: string | undefined;
  /** The namespace that its number is of: containers that share a hostname do not see one another's. Absent likewise. */
  readonly namespace?: string | undefined;
  /** Tells two locks of one process apart. */
  readonly id?: string | undefined;
}

/** The name of a lock in its folder. */
export const lockFile = "lock";

/**
 * A folder that one process alone writes to. A lock is a file that says who holds it; that of a process which is gone is
 * taken over.
 */
export class Lock {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /** @throws InUse naming the holder, if there is one */
  static async take(folder: string): Promise<Lock> {
    const path = join(folder, lockFile);
    const own: Holder = {
      ...{ pid: process.pid, host: hostname(), since: new Date().toISOString() },
      ...{ birth: birthOf(process.pid), namespace: namespaceHere(), id: randomUUID() },
    };
    const text = JSON.stringify(own) + "\n";
    // Written first and named then: nobody ever sees half a lock.
    const aside = `${path}.by-${own.id}`;
    await writeFile(aside, text, { flag: "wx" });
    try {
      while (!(await linked(aside, path))) await clearStale(folder, path, aside);
    } finally {
      await rm(aside, { force: true }).catch(() => undefined); // left behind it is in nobody's way
    }
    return new Lock(path, text);
  }

  /** @throws UserError if it was taken away, as by a person who thought that nobody held it: two writers would spoil the folder */
  async check(): Promise<void> {
    if ((await textOf(this.#path)) === this.#text) return;
    throw new UserError(
      `'${this.#path}' is gone or another's: is there a second run? This one ends`,
    );
  }

  async release(): Promise<void> {
    if ((await textOf(this.#path)) === this.#text) await rm(this.#path);
  }
}

/** Who holds a folder; undefined if nobody does, or a process that is gone. */
export async function holderOf(folder: string): Promise<Holder | undefined> {
  const holder = parsed(await textOf(join(folder, lockFile)));
  return holder && isThere(holder) ? holder : undefined;
}

/**
 * Takes the lock from processes of another machine, of which the caller knows that they are gone: nothing here can tell. One
 * that is there all the same ends before it writes again (`Lock.check`).
 */
export async function breakLocks(host: string, folder: string): Promise<void> {
  const path = join(folder, lockFile);
  const holder = parsed(await textOf(path));
  if (holder?.host === host && !canBeAsked(holder)) await rm(path, { force: true });
}

/** A folder cannot be had, for somebody holds it. */
export class InUse extends UserError {
  constructor(folder: string, holder: Holder) {
    const { pid, host, since } = holder;
    const who = `process ${pid} on ${printable(host, 100)} since ${printable(since, 40)}`;
    const advice = canBeAsked(holder)
      ? ""
      : `; if that process is gone, remove '${join(folder, lockFile)}'`;
    super(`'${folder}' is in use by ${who}: wait for it, or choose another folder${advice}`);
  }
}

/**
 * Removes a lock whose holder is gone. Only who holds the lock's breaker may, itself a lock: of several that found it stale one could
 * else remove the lock of the next holder. A breaker that is gone is removed in the same way.
 * @param own a file that says who this process is
 * @throws InUse if the holder is there
 */
async function clearStale(folder: string, path: string, own: string): Promise<void> {
  const text = await textOf(path);
  if (text === undefined) return; // released meanwhile
  const holder = parsed(text);
  if (holder && isThere(holder)) {
    if (path !== join(folder, lockFile)) return delay(1); // it is at work
    throw new InUse(folder, holder);
  }
  const breaker = `${path}.${holder?.id ?? "none"}`;
  if (!(await linked(own, breaker))) return clearStale(folder, breaker, own);
  try {
    if ((await textOf(path)) === text) await rm(path);
  } finally {
    await rm(breaker, { force: true });
  }
}

/** False if the name is taken. */
async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function textOf(path: string): Promise<string | undefined> {
  return await readFile(path, "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  });
}

/** Undefined of what is no lock of ours. */
function parsed(text: string | undefined): Holder | undefined {
  try {
    const { pid, host, since, birth, namespace, id } = JSON.parse(text ?? "") as Partial<Holder>;
    if (typeof pid !== "number" || typeof host !== "string") return undefined;
    const known = { pid, host, since: String(since), birth, namespace };
    return { ...known, id: id?.replaceAll(/[^\w-]/g, "") };
  } catch {
    return undefined;
  }
}

/** Can this process see whether the other one runs? */
function canBeAsked({ host, namespace = namespaceHere() }: Holder): boolean {
  return host === hostname() && namespace === namespaceHere();
}

/** Is the process still running? Of one on another machine, or in another container, nothing is known: it counts as there. */
function isThere(holder: Holder): boolean {
  const { pid, host, birth } = holder;
  const boot = bootOf(birth);
  if (host === hostname() && boot !== undefined && boot !== bootOf(birthOf(process.pid)))
    return false; // the machine has been started again since
  if (!canBeAsked(holder)) return true;
  if (birth !== undefined) return birthOf(pid) === birth;
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

/** Whose processes this one sees, on systems with /proc. */
function namespaceHere(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

/** When a process began, on systems with /proc: the machine's start and the ticks since then. Undefined if it is gone. */
function birthOf(pid: number): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in brackets, in which anything may stand.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    return state === "Z" || state === "X" ? undefined : `${boot} ${fields[19] ?? ""}`;
  } catch {
    return undefined;
  }
}
