import { UserError } from "@fedclair/core";
import type { Stream } from "@fedclair/linalg";
import type { Corpus, TextSource } from "./corpus.js";
import type { Library } from "./library.js";
import { copyLength } from "./shape.js";

/**
 * The characters that are tokens: letters, the space, the characters , . ' - and 0 for all digits.
 */
export const alphabet = "abcdefghijklmnopqrstuvwxyz ,.'-0";

/** Share of a text, from its beginning, that is trained on. The rest is held out. */
const trainingShare = 0.8;

/** Both parts of a text must be long enough for a sequence. */
const fewestCharacters = 5 * copyLength;

/** Creates a corpus of stretches of real text, one document per client. */
export function textCorpus({ title, count, notice, read }: Library): Corpus {
  const check = (clients: number, served: number) => {
    if (clients <= served) return;
    throw new UserError(
      `${title} serves ${served} clients, one a document, but ${clients} are asked for: lower \`clients\``,
    );
  };
  return {
    vocabulary: alphabet.length,
    ...(count && {
      checkClients: (clients: number) => {
        check(clients, count());
      },
    }),
    ...(notice && { notice }),
    async load() {
      const documents = (await read()).map(({ label, text }) => ({
        label,
        tokens: toTokens(text),
      }));
      for (const { label, tokens } of documents) requireLength(tokens, `${title}: ${label}`);
      const at = (index: number) => {
        const document = documents[index];
        if (document) return document;
        throw new RangeError(`no document ${index}: ${title} has ${documents.length}`);
      };
      return {
        checkClients: (clients) => {
          check(clients, documents.length);
        },
        clientLabel: (index) => at(index).label,
        open: ({ index, rng }) => openDocument(at(index).tokens, rng),
      };
    },
  };
}

/** @throws UserError if a text is too short to be trained and measured on */
export function requireLength({ length }: Int32Array, whose: string): void {
  if (length >= fewestCharacters) return;
  throw new UserError(
    `${whose} has only ${length} usable characters, expected at least ${fewestCharacters}: letters, digits, spaces and , . ' -`,
  );
}

export function openDocument(tokens: Int32Array, rng: Stream): TextSource {
  const border = Math.floor(tokens.length * trainingShare);
  const parts = { training: tokens.subarray(0, border), heldOut: tokens.subarray(border) };
  return {
    sequences(part, count) {
      const starts = rng.at(part);
      const sequences = new Int32Array(count * copyLength);
      for (let i = 0; i < count; i++) {
        const start = starts.int(parts[part].length - copyLength + 1);
        sequences.set(parts[part].subarray(start, start + copyLength), i * copyLength);
      }
      return sequences;
    },
  };
}

const space = alphabet.indexOf(" ");

/** The token of each ASCII character in lower case. */
const tokenOf = Int32Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code).replace(/\d/, "0");
  return alphabet.includes(character) ? alphabet.indexOf(character) : space;
});

/**
 * Converts text to tokens. Letters become lower case, accents are dropped, typographic apostrophes
 * and dashes become plain, every digit becomes 0, and every run of other characters a single space.
 * A token is a character's index in the alphabet.
 */
export function toTokens(text: string): Int32Array {
  const plain = text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[‘’]/g, "'")
    .replace(/[‐‑–—]/g, "-");
  // A loop, because regular expressions take ten times as long for a text of megabytes.
  const tokens = new Int32Array(plain.length);
  let length = 0;
  for (let i = 0; i < plain.length; i++) {
    const token = tokenOf[plain.charCodeAt(i)] ?? space;
    const last = length === 0 ? space : tokens[length - 1];
    if (token !== space || last !== space) tokens[length++] = token;
  }
  return tokens.slice(0, tokens[length - 1] === space ? length - 1 : length);
}
