import { oneLine } from "@fedclair/core/internal";
import { nameInBase } from "./peft-config.js";

/** Maximum number of names in a table row or a sentence; `--json` prints all. */
const maxNames = 3;

/** Returns a module's name without PEFT's prefix, made printable on one line. */
export function shortenModule(module: string): string {
  return oneLine(nameInBase(module));
}

/** Lists the first few names and says how many more there are. */
export function listFirst(names: readonly string[]): string {
  const more = names.length > maxNames ? [`and ${names.length - maxNames} more`] : [];
  return [...names.slice(0, maxNames).map(oneLine), ...more].join(", ");
}
