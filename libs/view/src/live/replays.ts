import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { UserError } from "@fedclair/core";
import { printable } from "@fedclair/core/internal";
import { findRun, replayFolder } from "@fedclair/runs";
import type { ReplayOffer } from "../data/protocol.js";

/** Starts replays for readers of the page. */
export interface ReplayOptions {
  /** The secret that a reader needs; reading the page needs another one, or none. */
  readonly token: string;
  /** The main module of the command `fedclair`. */
  readonly program: string;
  /** Modules of plug-ins that the operator allows. */
  readonly plugins: readonly string[];
}

/** The longest error that is shown, in bytes. */
const maxErrorBytes = 500;

/** How much of stderr is kept, in characters. */
const maxErrors = 1 << 14;

/** Starts `fedclair replay` without one client, one at a time, and ends it with the page. */
export class Replays {
  readonly #options: ReplayOptions;
  #running: { readonly folder: string; readonly child: ChildProcess } | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  /**
   * Runs a finished run again without a client from a round on. A replay that is done is not run
   * again.
   * @throws UserError if another one is running, the run has not ended, or the replay fails
   */
  async start(folder: string, client: string, from: number): Promise<void> {
    const run = await findRun(folder);
    if (run?.status !== "done")
      throw new UserError("expected a run that is done: replay starts when it has ended");
    if (from > run.trial.rounds)
      throw new UserError(`expected a round up to ${run.trial.rounds}, got ${from}`);
    if (this.#running) {
      const name = basename(this.#running.folder);
      throw new UserError(`${name} is running: one replay at a time, try again when it has ended`);
    }
    const { program, plugins } = this.#options;
    const child = spawn(
      process.execPath,
      [
        ...[program, "replay", folder, "--without", client, "--from", `${from}`, "--no-report"],
        ...plugins.flatMap((module) => ["--plugin", module]),
      ],
      // It ends when the channel closes, so that none outlives this process.
      { stdio: ["ignore", "ignore", "pipe", "ipc"] },
    );
    this.#running = { folder: replayFolder(folder, [client], from), child };
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = (errors + text).slice(-maxErrors);
    });
    try {
      const [code] = (await once(child, "close")) as [number | null];
      if (code !== 0) throw new UserError(lastError(errors));
    } finally {
      this.#running = undefined;
    }
  }

  async close(): Promise<void> {
    const { child } = this.#running ?? {};
    if (!child) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  }
}

/** Finds the replays without one client that lie next to a run, also those that are running. */
export async function findReplays(
  folder: string,
  path: string,
  client: string,
): Promise<ReplayOffer["replays"]> {
  if (path === "") return []; // what is next to the served folder is not served
  const own = basename(replayFolder(folder, [client], 1));
  const names = await readdir(dirname(folder)).catch(() => []);
  const found = names.flatMap((name) => {
    const match = name.startsWith(own) && /^(?:-from-(\d+))?$/.exec(name.slice(own.length));
    return match ? [{ path: join(dirname(path), name), from: Number(match[1] ?? 1) }] : [];
  });
  return found.sort((a, b) => a.from - b.from);
}

/** The last error that a command printed, in one line. */
function lastError(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const error = lines.findLast((line) => line.startsWith("error: "))?.slice("error: ".length);
  return printable(error ?? lines.at(-1) ?? "the replay was ended", maxErrorBytes);
}
