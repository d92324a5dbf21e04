import { once } from "node:events";
import { interruption } from "@fedclair/runs/program";
import { Processes } from "./host-processes.js";

/** The live page of a run that this process starts, in a process of its own. */
export class RunPage {
  readonly #listen: string;
  readonly #processes = new Processes();
  #child: ReturnType<Processes["start"]> | undefined;

  /** @param where an address, or `true` for a free port of 127.0.0.1 */
  constructor(where: string | true) {
    this.#listen = where === true ? "127.0.0.1:0" : where;
  }

  /** Shows the run in a folder, which need not exist yet. */
  show(folder: string): void {
    this.#child ??= this.#processes.start("view", [folder, "--parent", "--listen", this.#listen]);
  }

  /** Keeps the page open after the run, until Ctrl-C, or until its process ends by itself. */
  async untilInterrupted(): Promise<void> {
    if (!this.#child || interruption.signal.aborted) return;
    if (this.#child.process.exitCode === null)
      process.stderr.write("the page stays open until Ctrl-C\n");
    await Promise.race([this.#child.exit, once(interruption.signal, "abort")]);
  }

  /** Ends the process of the page. */
  async close(): Promise<void> {
    this.#processes.kill("SIGTERM");
    await this.#child?.exit;
  }
}
