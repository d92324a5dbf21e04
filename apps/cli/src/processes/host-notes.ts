import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** Size of a file in bytes: a note of the clients' thread, and one of a client beside it. */
const size = 4096;

/** Signals that a process brings upon itself. */
const faults: ReadonlySet<unknown> = new Set([
  "SIGABRT",
  "SIGBUS",
  "SIGFPE",
  "SIGILL",
  "SIGSEGV",
  "SIGSYS",
  "SIGTRAP",
]);

/**
 * Notes of hosts that run code from outside. Each writes into a file what it is doing
 * (host-note.ts). If a client ends the process of its host, the other hosts are told, and do not
 * run it. Python hosts tell one another in the same folder (ended.py).
 */
export class HostNotes {
  #folder: string | undefined;
  #count = 0;
  /**
   * The clients of hosts that were killed, perhaps by somebody else, as the system when it is out
   * of memory. They have one more try.
   */
  readonly #killed = new Set<string>();

  /** Makes an empty note for a host that is about to start. @returns its file */
  create(): string {
    // Somebody may clear the folder of temporary files.
    if (this.#folder === undefined || !existsSync(this.#folder))
      this.#folder = mkdtempSync(join(tmpdir(), "fedclair-hosts-"));
    return publish(this.#folder, `note-${this.#count++}`, Buffer.alloc(size));
  }

  /**
   * Reads and clears the note of a host that has ended, and tells the other hosts if its clients
   * ended it.
   * @param code its exit code or signal
   * @returns what it was doing; undefined if it was waiting
   */
  settle(file: string, code: number | string): string | undefined {
    if (this.#folder === undefined || !existsSync(file)) return undefined;
    const note = readFileSync(file);
    const notes = [0, size / 2].flatMap((at) => {
      const text = note.toString("utf8", at, note.indexOf(0, at));
      return text === "" || (at > 0 && note[at - 1] !== 0) ? [] : [text.split("\n")];
    });
    const clients = notes.map(([clients]) => clients).join("\t");
    const doing = notes.length > 0 ? notes.map(([, doing]) => doing).join(", or ") : undefined;
    const isOwn = typeof code === "number" || faults.has(code) || this.#killed.has(clients);
    if (clients !== "" && doing !== undefined && !isOwn) this.#killed.add(clients);
    if (clients !== "" && doing !== undefined && isOwn) {
      const name = basename(file).replace("note", "ended");
      publish(this.#folder, name, `${clients}\nit ended its host with ${code} (${doing})`);
    }
    // In place: other hosts have it in memory, and a shorter file would end them.
    writeFileSync(file, Buffer.alloc(size), { flag: "r+" });
    return doing;
  }

  /** Removes all notes. */
  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }
}

/** Writes a file that other processes find only when it is whole. @returns its path */
function publish(folder: string, name: string, content: string | Uint8Array): string {
  const [part, file] = [join(folder, "part"), join(folder, name)];
  writeFileSync(part, content);
  renameSync(part, file);
  return file;
}
