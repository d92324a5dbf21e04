import { openSync, writeSync } from "node:fs";
import type { ReportedJob } from "@fedclair/core/internal";

/** Size of a note in bytes. The process that starts hosts makes files for two notes. */
const size = 2048;

/**
 * The file in which a host notes which clients run. If one of them ends the process of the host,
 * the process that has started it knows the client.
 */
export class HostNote {
  readonly #file: number | undefined;
  readonly #at: number;
  readonly #content = Buffer.alloc(size);
  #isEmpty = true;

  /** @param isApart whether one client runs while others run in another thread */
  constructor(isApart: boolean, path = process.env["FEDCLAIR_HOST_NOTE"]) {
    this.#at = isApart ? size : 0;
    try {
      this.#file = path === undefined ? undefined : openSync(path, "r+");
    } catch {
      this.#file = undefined; // somebody has removed the folder
    }
  }

  write(jobs: readonly ReportedJob[]): void {
    const [first] = jobs;
    if (this.#file === undefined || !first) return;
    const clients = jobs.map(({ clientId }) => clientId);
    const doing = `${first.kind} of ${clients.join(", ")} in round ${first.round}`;
    const bytes = this.#content.write(`${clients.join("\t")}\n${doing}`, 0, size - 1);
    this.#content[bytes] = 0;
    writeSync(this.#file, this.#content, 0, bytes + 1, this.#at);
    this.#isEmpty = false;
  }

  clear(): void {
    if (this.#file === undefined || this.#isEmpty) return;
    writeSync(this.#file, Buffer.of(0), 0, 1, this.#at);
    this.#isEmpty = true;
  }
}
