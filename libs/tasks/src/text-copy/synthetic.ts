import type { Stream } from "@fedclair/linalg";
import type { Corpus, TextSource } from "./corpus.js";
import { copyLength } from "./shape.js";

const vocabulary = 20;

/**
 * Creates a corpus of independent tokens whose probabilities differ between clients.
 * @param concentration of the symmetric Dirichlet distribution from which each client's
 * probabilities are drawn; with smaller values a client uses fewer tokens
 */
export function syntheticCorpus(concentration: number): Corpus {
  return {
    vocabulary,
    load: () => Promise.resolve({ open: ({ rng }) => openSource(concentration, rng) }),
  };
}

function openSource(concentration: number, rng: Stream): TextSource {
  const probabilities = rng.at("distribution").dirichlet(vocabulary, concentration);
  return {
    sequences(part, count) {
      const tokens = rng.at(part);
      return Int32Array.from({ length: count * copyLength }, () =>
        tokens.categorical(probabilities),
      );
    },
  };
}
