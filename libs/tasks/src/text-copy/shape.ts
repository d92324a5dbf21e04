/*
 * Sizes of the model. They are separate from the model, so that reading a trial file does not load
 * TensorFlow.js.
 */

export const copyLength = 6;
/**
 * Tokens of a sequence of 2·copyLength + 1 that the model reads. The last token is only predicted.
 */
export const contextLength = 2 * copyLength;
export const width = 48;
export const hidden = 96;
export const blocks = [0, 1] as const;

/** The modules that clients train: the query, key, value and output matrices of both blocks. */
export const loraModules: readonly string[] = blocks.flatMap((block) =>
  ["q", "k", "v", "o"].map((projection) => `block${block}.${projection}`),
);
