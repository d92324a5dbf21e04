import { once } from "node:events";
import { createInterface } from "node:readline";
import { interruption } from "@fedclair/runs/program";

/**
 * Asks at the terminal for a yes.
 * @returns undefined if there is no terminal, so that nobody can answer
 */
export async function askForYes(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  const { signal } = interruption;
  process.stderr.write(`${question} [y/N] `);
  // Without `terminal`, Ctrl-C stays a signal.
  const lines = createInterface({ input: process.stdin, terminal: false });
  const line = once(lines, "line", { signal }).then(([text]) => String(text));
  const over = once(lines, "close", { signal }).then(() => "");
  for (const one of [line, over]) one.catch(() => undefined); // reported by the race
  try {
    return /^\s*y(es)?\s*$/i.test(await Promise.race([line, over]));
  } finally {
    lines.close();
  }
}
