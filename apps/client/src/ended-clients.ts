import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/** More than the resolution of the times that file systems keep, in ms. */
const tick = 20;

/**
 * The clients that have ended the process of a host of this machine, as the process that starts the
 * hosts tells it in files. No host runs them again.
 */
export class EndedClients {
  readonly #folder: string | undefined;
  readonly #known = new Map<string, string>();
  #changed = -1;

  /** @param note the file of this host, beside which the others are */
  constructor(note = process.env["FEDCLAIR_HOST_NOTE"]) {
    this.#folder = note === undefined ? undefined : dirname(note);
  }

  /** Says how a client has ended a host, if it has. */
  find(clientId: string): string | undefined {
    if (this.#folder !== undefined) this.#read(this.#folder);
    return this.#known.get(clientId);
  }

  #read(folder: string): void {
    const changed = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? this.#changed;
    if (changed === this.#changed) return;
    // Within a tick of its clock, a folder may change again under the same time.
    if (Date.now() - changed > tick) this.#changed = changed;
    for (const name of readdirSync(folder)) {
      if (!name.startsWith("ended-")) continue;
      const [clients = "", how = ""] = readFileSync(join(folder, name), "utf8").split("\n");
      // If several clients trained together, nobody knows which of them did it.
      if (!clients.includes("\t")) this.#known.set(clients, how);
    }
  }
}
