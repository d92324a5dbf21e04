import * as tf from "@tensorflow/tfjs-core";
import { item } from "@fedclair/linalg";
import { attention, lastPositions, linear, normalize, relu } from "./layers.js";
import { blocks, contextLength, copyLength, width } from "./shape.js";

/*
 * A decoder-only Transformer: token and position embeddings, two blocks with normalisation before each half, one more
 * normalisation, and a linear head; nothing has a bias. It reads x1 … x6 SEP y1 … y5 and predicts y1 … y6.
 */

const heads = 4;

/**
 * The weights as the model uses them, in×out: `embedding` vocabulary×width, `position` contextLength×width, `adapted`
 * width×(8·width), `up` width×hidden, `down` hidden×width, `head` width×vocabulary. `adapted` holds the modules side by
 * side in the order of `moduleNames`, so that one product adapts them all.
 */
export type Weights = Readonly<Record<WeightName, tf.Tensor2D>>;
export type WeightName =
  | "embedding"
  | "position"
  | "adapted"
  | `block${(typeof blocks)[number]}.${"up" | "down"}`
  | "head";

/** Computed when asked for, so that frozen weights cost nothing. `input` is the gradient of the embedded tokens. */
export type Gradients = Readonly<
  Record<Exclude<WeightName, "embedding" | "position"> | "input", () => tf.Tensor2D>
>;

/**
 * (sequences·contextLength)×width, what the first block reads.
 * @param oneHot (sequences·contextLength)×vocabulary: on wasm a product has a gradient, gathering rows has none
 */
export function embed(oneHot: tf.Tensor2D, { embedding, position }: Weights): tf.Tensor2D {
  const sequences = oneHot.shape[0] / contextLength;
  return tf.add(tf.matMul(oneHot, embedding), tf.tile(position, [sequences, 1]));
}

/**
 * @param embedded what `embed` returns
 * @returns logits of y1 … y6, (sequences·copyLength)×vocabulary, and their gradients
 */
export function forward(embedded: tf.Tensor2D, weights: Weights) {
  const first = block(embedded, 0, weights, contextLength);
  // The last block's other positions would be read by nobody.
  const second = block(first.y, 1, weights, copyLength);
  const normed = normalize(second.y);
  const head = linear(normed.y, weights.head);
  return {
    logits: head.y,
    back: (dLogits: tf.Tensor2D): Gradients => {
      const d2 = second.back(normed.back(head.back(dLogits)));
      const d1 = first.back(d2.input());
      return {
        adapted: () => tf.concat([d1.adapted(), d2.adapted()], 1),
        "block0.up": d1.up,
        "block0.down": d1.down,
        "block1.up": d2.up,
        "block1.down": d2.down,
        head: () => head.weights(dLogits),
        input: d1.input,
      };
    },
  };
}

/** One block for the last `count` positions: attention, then the perceptron, each added to what it reads. */
function block(x: tf.Tensor2D, index: (typeof blocks)[number], weights: Weights, count: number) {
  const columns = (start: number, count: number) =>
    tf.slice2d(weights.adapted, [0, (4 * index + start) * width], [width, count * width]);
  const before = normalize(x);
  const qkv = linear(before.y, columns(0, 3));
  const attended = attention(qkv.y, heads, causalMask(count));
  const out = linear(attended.y, columns(3, 1));
  const kept = lastPositions(x, contextLength, count);
  const middle = tf.add<tf.Tensor2D>(kept.y, out.y);
  const between = normalize(middle);
  const up = linear(between.y, weights[`block${index}.up`]);
  const active = relu(up.y);
  const down = linear(active.y, weights[`block${index}.down`]);
  return {
    y: tf.add<tf.Tensor2D>(middle, down.y),
    back: (dy: tf.Tensor2D) => {
      const dUp = active.back(down.back(dy));
      const dMiddle = tf.add<tf.Tensor2D>(dy, between.back(up.back(dUp)));
      const dQkv = attended.back(out.back(dMiddle));
      return {
        adapted: () => tf.concat([qkv.weights(dQkv), out.weights(dMiddle)], 1),
        up: () => up.weights(dUp),
        down: () => down.weights(dy),
        input: () => tf.add<tf.Tensor2D>(kept.back(dMiddle), before.back(qkv.back(dQkv))),
      };
    },
  };
}

/** Forbids the last `count` positions to look ahead: 0 where attention is allowed, very negative elsewhere. */
function causalMask(count: number): tf.Tensor2D {
  const rows = Array.from({ length: count }, (_, row) =>
    Array.from({ length: contextLength }, (_, column) =>
      column > row + contextLength - count ? -1e9 : 0,
    ),
  );
  return tf.tensor2d(rows);
}

/**
 * Mean cross-entropy, in nats a token.
 * @param target one-hot rows, as many as `logits`
 */
export function crossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D) {
  const p = tf.softmax(logits);
  return {
    value: (): number => {
      // Kept finite where a probability underflows: records hold finite numbers only.
      const likelihood = tf.maximum(tf.sum(tf.mul(p, target), -1), 1e-30);
      return -item(tf.mean(tf.log(likelihood)).dataSync(), 0);
    },
    gradient: () => tf.div<tf.Tensor2D>(tf.sub(p, target), logits.shape[0]),
  };
}
