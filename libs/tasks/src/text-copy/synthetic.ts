import type { Corpus } from "./corpus.js";
import { copyLength } from "./shape.js";

const vocabulary = 20;

/**
 * Independent tokens whose probabilities differ by client.
 * @param concentration of the symmetric Dirichlet distribution from which each client's probabilities are drawn: the
 * smaller, the fewer tokens a client uses
 */
export function syntheticCorpus(concentration: number): Corpus {
  return {
    vocabulary,
    open(_index, rng) {
      const probabilities = rng.at("distribution").dirichlet(vocabulary, concentration);
      return {
        sequences(part, count) {
          const tokens = rng.at(part);
          return Int32Array.from({ length: count * copyLength }, () =>
            tokens.categorical(probabilities),
          );
        },
      };
    },
  };
}
