/* Sizes of the model, apart from it: who only reads a trial file does not load TensorFlow.js. */

export const copyLength = 6;
/** Tokens that the model reads of a sequence of 2·copyLength + 1: the last one is only predicted. */
export const contextLength = 2 * copyLength;
export const width = 48;
export const hidden = 96;
export const blocks = [0, 1] as const;

/** The modules that clients change: the query, key, value and output matrices of both blocks. */
export const moduleNames: readonly string[] = blocks.flatMap((block) =>
  ["q", "k", "v", "o"].map((projection) => `block${block}.${projection}`),
);
