import { spawn } from "node:child_process";
import { once } from "node:events";
import { oneLine } from "@fedclair/core/internal";

/** A program that an audit starts. */
export interface LimitedProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it can read from stdin. */
  readonly input?: string;
  readonly timeoutSeconds: number;
  /** The option that sets another time limit, for the error. */
  readonly timeoutOption: string;
  /** Ends it when it aborts. */
  readonly signal: AbortSignal;
  /** Gets each piece of stdout. */
  readonly onOutput?: (text: string) => void;
  /** Creates the error from how it failed and its last lines of stderr. */
  readonly fail: (how: string) => Error;
}

/** How long a program may take to end after SIGTERM, in ms. */
const graceMs = 2000;

/** How much of stderr is kept, in characters. */
const mostErrors = 1 << 16;

/** How many lines of stderr an error shows. */
const mostLines = 10;

/**
 * Runs a program in a process group of its own, so that what it starts ends with it.
 * @returns creates an error with the last lines of stderr
 * @throws the error of `fail` if it cannot start, fails or takes too long
 * @throws the signal's reason after the program has ended
 */
export async function runLimited(program: LimitedProgram): Promise<(how: string) => Error> {
  const { file, args, env, input, timeoutSeconds, timeoutOption, signal } = program;
  signal.throwIfAborted();
  const child = spawn(file, args, { env: { ...process.env, ...env }, detached: true });
  child.stdin.on("error", () => undefined); // a program need not read it
  child.stdin.end(input);
  child.stdout.setEncoding("utf8").on("data", (text: string) => program.onOutput?.(text));
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-mostErrors);
  });
  const kill = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // The group has ended.
    }
  };
  const killNow = () => {
    kill("SIGKILL");
  };
  let last: NodeJS.Timeout | undefined;
  const end = () => {
    kill("SIGTERM");
    last = setTimeout(killNow, graceMs);
  };
  const limit = { isExceeded: false };
  const timer = setTimeout(() => {
    limit.isExceeded = true;
    end();
  }, timeoutSeconds * 1000);
  signal.addEventListener("abort", end);
  process.once("exit", killNow);
  const failed = (how: string) => {
    const lines = errors.trimEnd().split("\n").slice(-mostLines);
    const shown = lines.filter((line) => line !== "").map((line) => `\n  ${oneLine(line)}`);
    return program.fail(`${how}${shown.join("")}`);
  };
  let ended: [number | null, string | null];
  try {
    ended = (await once(child, "close")) as typeof ended;
  } catch (error) {
    signal.throwIfAborted();
    throw failed(`cannot start ${file}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
    signal.removeEventListener("abort", end);
    process.off("exit", killNow);
  }
  signal.throwIfAborted();
  const [code, killed] = ended;
  if (limit.isExceeded) {
    throw failed(
      `the command took longer than ${timeoutSeconds} s; ${timeoutOption} SECONDS sets another limit`,
    );
  }
  if (code === null) throw failed(`${killed} ended the command`);
  if (code !== 0) throw failed(`the command failed with code ${code}`);
  return failed;
}
