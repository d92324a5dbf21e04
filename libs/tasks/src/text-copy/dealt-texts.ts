import { item } from "@fedclair/linalg";
import { splitRows } from "../data/client-rows.js";
import type { PartitionChoice } from "../partition/options.js";
import type { Corpus } from "./corpus.js";
import type { Library } from "./library.js";
import { alphabet, openDocument, requireLength, toTokens } from "./text.js";

const space = alphabet.indexOf(" ");

/**
 * Creates a corpus whose documents are dealt out to the clients, regardless of who wrote
 * them. The documents of a client are joined in the order of the library.
 * @param dataSeed seed of the split
 */
export function dealtTexts(
  { title, read }: Library,
  partition: PartitionChoice,
  dataSeed = 1,
): Corpus {
  return {
    vocabulary: alphabet.length,
    async load() {
      const documents = (await read()).map(({ text }) => toTokens(text));
      const rows = splitRows({ rows: documents.length }, { partition, dataSeed, minimum: 1 });
      const tokensOf = (index: number, count: number) => {
        const parts = Array.from(rows.of(index, count).toSorted(), (row) => item(documents, row));
        const tokens = joinTokens(parts.filter(({ length }) => length > 0));
        requireLength(tokens, count > 1 ? `${title}: the client of index ${index}` : title);
        return tokens;
      };
      return {
        checkClients: (count) => {
          rows.members.checkClients?.(count);
          // Checking a million clients that draw their texts would take minutes.
          if (partition.by === "drawn") return;
          for (let index = 0; index < count; index++) tokensOf(index, count);
        },
        open: ({ index, count, rng }) => openDocument(tokensOf(index, count), rng),
      };
    },
  };
}

/** Joins texts by spaces. */
function joinTokens(texts: readonly Int32Array[]): Int32Array {
  const length = texts.reduce((sum, text) => sum + text.length + 1, -1);
  const tokens = new Int32Array(Math.max(0, length)).fill(space);
  let start = 0;
  for (const text of texts) {
    tokens.set(text, start);
    start += text.length + 1;
  }
  return tokens;
}
