import { oneLine } from "@fedclair/core/internal";
import { nameInBase } from "./peft-config.js";

/** Names in a row or a sentence; `--json` has all. */
const mostNames = 3;

/** A module's name, for a line of its own. */
export function shortened(module: string): string {
  return oneLine(nameInBase(module));
}

/** The first few, and how many more. */
export function firstOf(names: readonly string[]): string {
  const more = names.length > mostNames ? [`and ${names.length - mostNames} more`] : [];
  return [...names.slice(0, mostNames).map(oneLine), ...more].join(", ");
}
