import { stripVTControlCharacters } from "node:util";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { parseLoss } from "./parse-loss.js";

const placeholder = "{adapter}";

/** The environment variable with the path of the adapter. */
const variable = "FEDCLAIR_ADAPTER";

/** A command that measures the loss of an adapter. */
export interface EvaluateCommand {
  /** As the user wrote it. */
  readonly text: string;
  /** For `/bin/sh`, which reads the path from the environment, so that no path is ever code. */
  readonly script: string;
}

/**
 * Parses the value of `--evaluate`.
 * @throws UserError if `{adapter}` is missing or in quotes, which would undo its own
 */
export function parseEvaluate(text: string): EvaluateCommand {
  const example = `for example --evaluate 'python evaluate.py ${placeholder}'`;
  let script = "";
  let quote = "";
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (text.startsWith(placeholder, i)) {
      if (quote !== "") {
        throw new UserError(
          `--evaluate: ${placeholder} is in quotes; remove them, because the path is quoted already, ${example}`,
        );
      }
      script += `"$${variable}"`;
      count++;
      i += placeholder.length - 1;
      continue;
    }
    const isEscape = character === "\\" && quote !== "'";
    if (!isEscape && (character === "'" || character === '"' || character === "`")) {
      if (quote === "") quote = character;
      else if (quote === character) quote = "";
    }
    script += isEscape ? character + text.charAt(++i) : character;
  }
  if (count > 0) return { text, script };
  throw new UserError(
    `--evaluate: expected a command with ${placeholder} where the adapter's folder belongs, ${example}, got '${oneLine(text)}'`,
  );
}

interface EvaluateLimits {
  readonly timeoutSeconds: number;
  /** Ends the command when it aborts. */
  readonly signal: AbortSignal;
}

/** How long a command may take to end after SIGTERM, in ms. */
const graceMs = 2000;

/** How much of each output is kept, in characters. */
const mostOutput = 1 << 16;

/** How many lines of stderr an error shows. */
const mostLines = 10;

/**
 * Runs the command on an adapter.
 * @param folder absolute path of the adapter
 * @param what the adapter in words, for errors
 * @returns the loss; Infinity if it is not finite
 * @throws UserError if the command fails, takes too long or prints no number
 * @throws the signal's reason after the command has ended
 */
export async function evaluate(
  { script }: EvaluateCommand,
  folder: string,
  what: string,
  { timeoutSeconds, signal }: EvaluateLimits,
): Promise<number> {
  signal.throwIfAborted();
  // A group of its own, so that what the shell starts ends with it.
  const child = spawn("/bin/sh", ["-c", script], {
    env: { ...process.env, [variable]: folder },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] = (output[name] + text).slice(-mostOutput);
    });
  }
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
    const lines = output.stderr.trimEnd().split("\n").slice(-mostLines);
    const shown = lines.filter((line) => line !== "").map((line) => `\n  ${oneLine(line)}`);
    return new UserError(`--evaluate: ${what}: ${how}${shown.join("")}`);
  };
  try {
    const [code, killed] = (await once(child, "close")) as [number | null, string | null];
    signal.throwIfAborted();
    if (limit.isExceeded) {
      throw failed(
        `the command took longer than ${timeoutSeconds} s; --evaluate-timeout SECONDS sets another limit`,
      );
    }
    if (code !== 0) {
      throw failed(
        code === null ? `${killed} ended the command` : `the command failed with code ${code}`,
      );
    }
  } catch (error) {
    if (error instanceof UserError || signal.aborted) throw error;
    throw failed(`cannot start /bin/sh: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    clearTimeout(timer);
    clearTimeout(last);
    signal.removeEventListener("abort", end);
    process.off("exit", killNow);
  }
  // Colours are numbers as well.
  const loss = parseLoss(stripVTControlCharacters(output.stdout));
  if (loss !== undefined) return loss;
  const got = output.stdout.trim() === "" ? "nothing" : `'${oneLine(output.stdout.slice(-200))}'`;
  throw failed(`expected the loss as the last number on stdout, got ${got}`);
}
