import { createHash } from "node:crypto";
import { open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { pickCheckpoints } from "../store/checkpoint.js";
import { systemErrorCode } from "../words/system-error.js";
import {
  isCarried,
  isLog,
  pieceBytes,
  SendAgain,
  type CarriedPart,
  type Receiver,
  type SentPart,
} from "./carried.js";

interface OpenPart extends CarriedPart {
  readonly file: FileHandle;
  /** Differs between two files of the same name. */
  readonly identity: string;
}

/** Sends a run, while another process writes it, to a receiver. */
export class RunSender {
  readonly #folder: string;
  readonly #to: Receiver;
  /** The bytes of each log that have arrived. */
  readonly #logs = new Map<string, number>();
  /** The identities of the other files that have arrived. */
  readonly #files = new Map<string, string>();

  constructor(folder: string, to: Receiver) {
    this.#folder = folder;
    this.#to = to;
  }

  /** Sends what has changed since the last checkpoint that was sent; nothing if there is none. */
  async sendCheckpoint(): Promise<void> {
    const [newest] = pickCheckpoints(await this.#list());
    if (newest !== undefined && !this.#files.has(newest)) await this.send();
  }

  /** Sends what has changed since the last call. */
  async send(): Promise<void> {
    for (;;) {
      try {
        await this.#sendOnce();
        return;
      } catch (error) {
        if (!(error instanceof SendAgain)) throw error;
        this.#logs.clear();
        this.#files.clear();
      }
    }
  }

  async #sendOnce(): Promise<void> {
    const names = await this.#list();
    const older = new Set(pickCheckpoints(names).slice(1));
    const wanted = names.filter((name) => !older.has(name));
    const parts: OpenPart[] = [];
    try {
      // The checkpoint comes first: a log must be as long as the checkpoint says, or longer.
      for (const name of wanted.sort()) {
        const part = await this.#open(name);
        if (!part) return; // the run has just replaced the checkpoint
        parts.push(part);
      }
      const changed = parts.filter(({ name, from, size, identity }) =>
        isLog(name) ? from < size || !this.#logs.has(name) : this.#files.get(name) !== identity,
      );
      if (changed.length === 0) return;
      await this.#to.offer(changed.map(({ name, from, size }) => ({ name, from, size })));
      const sent: SentPart[] = [];
      for (const part of changed) sent.push(await this.#sendPart(part));
      await this.#to.commit(sent, wanted);
    } finally {
      for (const { file } of parts) await file.close();
    }
    for (const { name, size, identity } of parts) {
      if (isLog(name)) this.#logs.set(name, size);
      else this.#files.set(name, identity);
    }
  }

  async #list(): Promise<string[]> {
    return (await readdir(this.#folder).catch(() => [])).filter(isCarried);
  }

  /** Opens a file, which can be read to its end even if the run removes it meanwhile. */
  async #open(name: string): Promise<OpenPart | undefined> {
    let file: FileHandle;
    try {
      file = await open(join(this.#folder, name), "r");
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      throw error;
    }
    const { ino, size, mtimeMs } = await file.stat();
    const from = isLog(name) ? (this.#logs.get(name) ?? 0) : 0;
    return { name, from, size, file, identity: [ino, size, mtimeMs].join() };
  }

  async #sendPart({ name, from, size, file }: OpenPart): Promise<SentPart> {
    const hash = createHash("sha256");
    const buffer = Buffer.alloc(Math.min(pieceBytes, size - from));
    for (let at = 0; at < size - from;) {
      const length = Math.min(buffer.length, size - from - at);
      const { bytesRead } = await file.read(buffer, 0, length, from + at);
      if (bytesRead === 0) throw new SendAgain(`${name} has become shorter`);
      const bytes = buffer.subarray(0, bytesRead);
      hash.update(bytes);
      await this.#to.piece(name, at, bytes);
      at += bytesRead;
    }
    return { name, sha256: hash.digest("hex") };
  }
}
