import { stripVTControlCharacters } from "node:util";
import { UserError } from "@fedclair/core";
import { oneLine } from "@fedclair/core/internal";
import { parseLoss } from "./parse-loss.js";
import { runLimited } from "./run-limited.js";

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

/** How much of the output is kept, in characters. */
const mostOutput = 1 << 16;

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
  let output = "";
  const failed = await runLimited({
    file: "/bin/sh",
    args: ["-c", script],
    env: { [variable]: folder },
    timeoutSeconds,
    timeoutOption: "--evaluate-timeout",
    signal,
    onOutput: (text) => (output = (output + text).slice(-mostOutput)),
    fail: (how) => new UserError(`--evaluate: ${what}: ${how}`),
  });
  // Colours are numbers as well.
  const loss = parseLoss(stripVTControlCharacters(output));
  if (loss !== undefined) return loss;
  const got = output.trim() === "" ? "nothing" : `'${oneLine(output.slice(-200))}'`;
  throw failed(`expected the loss as the last number on stdout, got ${got}`);
}
