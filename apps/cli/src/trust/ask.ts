import { once } from "node:events";
import { createInterface } from "node:readline";
import { interruption } from "@fedclair/runs/program";

/** The question that is asked now, because a terminal answers one at a time. */
let asking: Promise<unknown> = Promise.resolve();

/**
 * Asks at the terminal for a yes.
 * @returns undefined if there is no terminal, so that nobody can answer
 */
export function askForYes(question: string): Promise<boolean> | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const answer = asking.then(() => ask(question));
  asking = answer.catch(() => undefined);
  return answer;
}

async function ask(question: string): Promise<boolean> {
  const { signal } = interruption;
  process.stderr.write(`${question} [y/N] `);
  // Without `terminal`, Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, terminal: false });
  const over = once(lines, "close", { signal }).then(() => "");
  over.catch(() => undefined);
  try {
    const line = once(lines, "line", { signal }).then(([text]) => String(text));
    return /^\s*y(es)?\s*$/i.test(await Promise.race([line, over]));
  } finally {
    lines.close();
  }
}
