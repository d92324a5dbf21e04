import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open, readdir, rename, rm, stat, statfs, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@fedclair/core";
import { noFollow, syncFolder } from "../store/atomic-files.js";
import { formatBytes } from "../words/numbers.js";
import { systemErrorCode } from "../words/system-error.js";
import {
  isCarried,
  isLog,
  pieceBytes,
  requireRunFile,
  SendAgain,
  SendLater,
  type CarriedPart,
  type Receiver,
  type SentPart,
} from "./carried.js";

/** The most bytes of a run that another machine may deliver. */
export const mostRunBytes = 2 ** 37;

interface ArrivingPart extends CarriedPart {
  readonly hash: Hash;
  received: number;
}

/**
 * Writes a run that another machine sends into its folder, which this process holds. Nothing of a
 * delivery counts before all of it has arrived with its hashes. After each delivery the run can be
 * resumed from the folder.
 */
export class RunReceiver implements Receiver {
  readonly #folder: string;
  readonly #check: (summary: string) => Promise<void>;
  #parts = new Map<string, ArrivingPart>();

  /**
   * @param check checks a finished run, whose summary has the given name before it takes its place;
   *   throws if the run is not to be believed
   */
  constructor(folder: string, check: (summary: string) => Promise<void>) {
    this.#folder = folder;
    this.#check = check;
  }

  /** @throws UserError for parts that a run cannot have; SendLater if the disk has no room */
  async offer(parts: readonly CarriedPart[]): Promise<void> {
    for (const { name, from } of parts) {
      requireRunFile(name);
      if (!isCarried(name)) throw new UserError(`'${name}' is not sent: its receiver writes it`);
      if (from > 0 && from !== (isLog(name) ? await this.#sizeOf(name) : 0))
        throw new SendAgain(`${name} has other bytes here`);
    }
    const [whole, missing] = [
      parts.reduce((sum, { size }) => sum + size, 0),
      parts.reduce((sum, { size, from }) => sum + Math.max(0, size - from), 0),
    ];
    if (whole > mostRunBytes) {
      throw new UserError(
        `the run has ${formatBytes(whole)}: expected at most ${formatBytes(mostRunBytes)}`,
      );
    }
    await this.#discard();
    const { bavail, bsize } = await statfs(this.#folder);
    if (missing > bavail * bsize) {
      throw new SendLater(
        `the disk of '${this.#folder}' has room for ${formatBytes(bavail * bsize)}, and ${formatBytes(missing)} are to come: free some`,
      );
    }
    this.#parts = new Map(
      parts.map((part) => [part.name, { ...part, hash: createHash("sha256"), received: 0 }]),
    );
  }

  /** @throws SendLater if the disk is full */
  async piece(name: string, at: number, bytes: Uint8Array): Promise<void> {
    const part = this.#parts.get(name);
    if (!part || at > part.received) throw new SendAgain(`${name} was not announced`);
    if (at < part.received) return; // it has arrived before
    if (bytes.length > pieceBytes || at + bytes.length > part.size - part.from)
      throw new UserError(`${name} is longer than it was announced`);
    try {
      await this.#write(name, part.received === 0, bytes, at);
    } catch (error) {
      throw toLater(error, this.#folder);
    }
    part.hash.update(bytes);
    part.received += bytes.length;
  }

  /** @throws UserError for a false hash, or a finished run that the check rejects */
  async commit(sent: readonly SentPart[], names: readonly string[]): Promise<void> {
    const arrived = new Map(sent.map(({ name, sha256 }) => [name, sha256]));
    for (const { name, received, from, size, hash } of this.#parts.values()) {
      if (received < size - from) throw new SendAgain(`${name} is not complete`);
      if (size === from) await this.#write(name, true, new Uint8Array(), 0);
      const got = hash.copy().digest("hex");
      if (arrived.get(name) === got) continue;
      throw new UserError(
        `${name}: expected bytes with the SHA-256 ${arrived.get(name) ?? "?"}, got ${got}`,
      );
    }
    if (sent.some(({ name }) => !this.#parts.has(name)))
      throw new SendAgain("other parts are here");
    const summary = "summary.json";
    try {
      // Logs grow before their checkpoint counts, and the summary makes a run finished.
      const order = (name: string) => (isLog(name) ? 0 : name === summary ? 2 : 1);
      for (const name of [...this.#parts.keys()].sort((a, b) => order(a) - order(b))) {
        const part = this.#parts.get(name);
        if (name === summary) await this.#check(`${name}.part`);
        if (part && part.from > 0) await this.#append(name, part.from);
        else {
          await syncFolder(this.#aside(name));
          await rename(this.#aside(name), join(this.#folder, name));
        }
      }
    } catch (error) {
      throw toLater(error, this.#folder);
    } finally {
      this.#parts.clear();
    }
    for (const name of await readdir(this.#folder)) {
      if (isCarried(name) && !names.includes(name)) await rm(join(this.#folder, name));
    }
    await syncFolder(this.#folder);
  }

  /** Removes what has arrived of a delivery that is not complete. */
  async #discard(): Promise<void> {
    this.#parts.clear();
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith(".part") && isCarried(name.slice(0, -".part".length)))
        await rm(join(this.#folder, name));
    }
  }

  #aside(name: string): string {
    return join(this.#folder, `${name}.part`);
  }

  async #sizeOf(name: string): Promise<number> {
    return (await stat(join(this.#folder, name)).catch(() => undefined))?.size ?? 0;
  }

  async #write(name: string, isFirst: boolean, bytes: Uint8Array, at: number): Promise<void> {
    const { O_WRONLY, O_CREAT, O_EXCL } = constants;
    if (isFirst) await rm(this.#aside(name), { force: true }); // a link would lead elsewhere
    const file = await open(
      this.#aside(name),
      O_WRONLY | noFollow | (isFirst ? O_CREAT | O_EXCL : 0),
    );
    try {
      await writeAll(file, bytes, at);
    } finally {
      await file.close();
    }
  }

  /** Appends the part of a log that has arrived. */
  async #append(name: string, from: number): Promise<void> {
    const { O_WRONLY } = constants;
    const [source, target] = await Promise.all([
      open(this.#aside(name), "r"),
      open(join(this.#folder, name), O_WRONLY | noFollow),
    ]);
    try {
      const buffer = Buffer.alloc(pieceBytes);
      for (let at = 0; ;) {
        const { bytesRead } = await source.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        await writeAll(target, buffer.subarray(0, bytesRead), from + at);
        at += bytesRead;
      }
      await target.datasync();
    } finally {
      await Promise.all([source.close(), target.close()]);
    }
    await rm(this.#aside(name));
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** A full disk is an error that passes. */
function toLater(error: unknown, folder: string): unknown {
  const code = systemErrorCode(error);
  if (code !== "ENOSPC" && code !== "EDQUOT") return error;
  return new SendLater(`the disk of '${folder}' is full (${code}): free some space`);
}
