import { oneLine } from "@fedclair/core/internal";
import { excerpt } from "@fedclair/core";
import type { Reading } from "../audit-schema.js";

/** How many tokens a row shows; `--json` has all. */
const mostTokens = 10;

export const readingLead =
  "What each adapter says more often than the others, and how it goes on from the first of these tokens. " +
  "Honest adapters say the words of their own subject more often; look for words that have nothing to do with it. " +
  "This is no verdict.";

/** Creates the table of what adapters say. The texts are a stranger's, so they are escaped. */
export function createReadingTable({ adapters }: Reading): {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
} {
  const rows = adapters.map(({ name, tokens, goesOn, why }) => {
    if (why !== undefined) return [oneLine(name), "not read", oneLine(why)];
    const words = tokens.slice(0, mostTokens).map(({ text }) => quote(text.trim()));
    return [oneLine(name), words.join(" "), goesOn.map((text) => quote(text)).join(" ")];
  });
  return { heads: ["adapter", "says more often", "goes on"], rows };
}

function quote(text: string): string {
  return `‘${excerpt(text)}’`;
}
