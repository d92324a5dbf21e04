import assert from "node:assert/strict";
import { fedclair } from "./command.js";

const helps = new Map<string, Promise<string>>();

function help(subcommand: string): Promise<string> {
  const known = helps.get(subcommand) ?? fedclair([subcommand, "--help"]).then(helpText);
  helps.set(subcommand, known);
  return known;
}

function helpText({ code, stdout, stderr }: { code: unknown; stdout: string; stderr: string }) {
  assert.equal(code, 0, stderr);
  return stdout;
}

/** Fails if the words after `fedclair` contain a command or an option that does not exist. */
export async function checkOptions([subcommand = "", ...args]: readonly string[]): Promise<void> {
  const usage = subcommand.startsWith("-") ? "" : await help(subcommand);
  assert.match(usage, new RegExp(`^Usage: fedclair ${subcommand}\\b`));
  for (const option of args.filter((word) => word.startsWith("--"))) {
    const [name = ""] = option.split("=");
    assert.match(usage, new RegExp(`${name}[ ,]`), `fedclair ${subcommand} has no ${name}`);
  }
}
