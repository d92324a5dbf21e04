import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** Size of a note in bytes, as hosts write it. */
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
 * What Python hosts of this machine are doing: each notes it in a file, so that a client which ends
 * the process of its host is known, and other hosts do not run it (notes.py).
 */
export class HostNotes {
  #folder: string | undefined;
  #count = 0;

  /** Makes an empty note for a host that is about to start. @returns its file */
  create(): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), "fedclair-hosts-"));
    const file = join(this.#folder, `note-${this.#count++}`);
    writeFileSync(file, Buffer.alloc(size));
    return file;
  }

  /**
   * Reads and removes the note of a host that has ended, and tells the other hosts if its clients
   * ended it.
   * @param code its exit code or signal
   * @returns what it was doing; undefined if it was waiting
   */
  settle(file: string, code: number | string): string | undefined {
    if (this.#folder === undefined) return undefined;
    const note = readFileSync(file);
    const text = note.toString("utf8", 0, note.indexOf(0));
    const [clients = "", doing] = text.split("\n");
    if (clients !== "" && doing !== undefined && (typeof code === "number" || faults.has(code)))
      this.#tell(file, `${clients}\nit ended its host with ${code} (${doing})`);
    writeFileSync(file, Buffer.alloc(size)); // hosts that have it in memory see this
    rmSync(file);
    return doing;
  }

  /** Removes all notes. */
  close(): void {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #tell(file: string, text: string): void {
    const part = join(dirname(file), "part");
    writeFileSync(part, text);
    // In one step, because hosts read it at once.
    renameSync(part, join(dirname(file), basename(file).replace("note", "ended")));
  }
}
