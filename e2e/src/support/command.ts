import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { cleanUps } from "./afterwards.js";
import { fixture, removeTemporaryFolders, temporaryFolder, workspace } from "./paths.js";

/** The result of a command that has ended. */
export interface CommandResult {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const running = new Set<Command>();

/** A running `fedclair` command, which leads its own process group. */
export class Command {
  readonly ended: Promise<CommandResult>;
  stdout = "";
  stderr = "";
  readonly #process: ChildProcess;
  readonly #watchers = new Set<() => void>();
  #hasEnded = false;

  constructor(args: readonly string[], { cwd, env }: CommandOptions = {}) {
    this.#process = spawn(
      process.execPath,
      [join(workspace, "apps/cli/bin/fedclair.js"), ...args],
      {
        cwd: cwd ?? workspace,
        env: {
          ...process.env,
          FEDCLAIR_LOG: undefined,
          FEDCLAIR_TOKEN: undefined,
          NO_COLOR: "1",
          FORCE_COLOR: undefined, // together with NO_COLOR it makes Node.js warn
          ...env,
        },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      },
    );
    running.add(this);
    this.#process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.#process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#wake();
    });
    // On `close`, unlike `exit`, all output of the group has been read.
    this.ended = once(this.#process, "close").then(([code, signal]: unknown[]) => {
      this.#hasEnded = true;
      this.#wake();
      return {
        code: (code ?? signal) as number | string,
        stdout: this.stdout,
        stderr: this.stderr,
      };
    });
  }

  get pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error("the command did not start");
    return pid;
  }

  /** Waits for text on stderr. @returns the first group of the match, or the whole match */
  async waitForOutput(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.stderr);
      if (match) return match[1] ?? match[0];
      if (this.#hasEnded) {
        throw new Error(`it ended without saying ${String(pattern)}:\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  #wake(): void {
    for (const look of this.#watchers) look();
    this.#watchers.clear();
  }

  /** @param to only the process, or its whole group, like Ctrl-C in a terminal */
  kill(signal: NodeJS.Signals, to: "process" | "group" = "process"): void {
    try {
      process.kill(to === "group" ? -this.pid : this.pid, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** Starts `fedclair`, by default in the workspace's root. */
export function start(args: readonly string[], options?: CommandOptions): Command {
  return new Command(args, options);
}

/** Runs `fedclair` and waits for its end. */
export function fedclair(
  args: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  return start(args, options).ended;
}

/**
 * Runs a trial of `e2e/fixtures` in one process, without a report. @param args more arguments
 * @returns its run folder
 */
export async function runSmall(trial: string, ...args: readonly string[]): Promise<string> {
  const out = join(await temporaryFolder(), "run");
  const how = ["--transport", "memory", "--no-report", "--out", out];
  const { code, stderr } = await fedclair(["run", fixture(trial), ...args, ...how]);
  assert.equal(code, 0, stderr);
  return out;
}

cleanUps.push(async () => {
  for (const command of running) command.kill("SIGKILL", "group");
  await Promise.all([...running].map(({ ended }) => ended));
  running.clear();
  await removeTemporaryFolders();
});
