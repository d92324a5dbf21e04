import * as tf from "@tensorflow/tfjs-core";
import { item } from "@fedclair/linalg";
import {
  attentionLayer,
  selectLastPositions,
  linear,
  normalizeLayer,
  reluLayer,
  type Matrices,
} from "./layers.js";
import { blocks, contextLength, copyLength, loraModules, width } from "./shape.js";

/*
 * A decoder-only Transformer: token and position embeddings, two blocks with normalisation before
 * each half, a final normalisation, and a linear head. Nothing has a bias. It reads x1 … x6 SEP y1
 * … y5 and predicts y1 … y6.
 */

const heads = 4;

/**
 * The weights in the model's layout, in×out: `embedding` vocabulary×width, `position`
 * contextLength×width, `adapted` width×(8·width), `up` width×hidden, `down` hidden×width, `head`
 * width×vocabulary. `adapted` holds the modules side by side in the order of `moduleNames`.
 */
export type TransformerWeights = Readonly<Record<WeightName, tf.Tensor2D>>;
export type WeightName =
  | "embedding"
  | "position"
  | "adapted"
  | `block${(typeof blocks)[number]}.${"up" | "down"}`
  | "head";

/**
 * Gradients that are computed on demand, so that frozen weights cost nothing. `input` is the
 * gradient with respect to the embedded tokens.
 */
type Gradients<W extends Matrices> = Readonly<
  Record<Exclude<WeightName, "embedding" | "position" | "adapted"> | "input", () => tf.Tensor2D>
> & { readonly modules: () => readonly W[] };

/** Splits the adapted weights into modules, width×width each. */
export function splitModules({ adapted }: TransformerWeights): readonly tf.Tensor2D[] {
  return loraModules.map((_, module) => tf.slice2d(adapted, [0, module * width], [width, width]));
}

/**
 * Embeds tokens for the first block: (sequences·contextLength)×width.
 * @param oneHot (sequences·contextLength)×vocabulary; one-hot rows, because on wasm a product has a
 * gradient and gathering rows has none
 */
export function embed(
  oneHot: tf.Tensor2D,
  { embedding, position }: TransformerWeights,
): tf.Tensor2D {
  const bySequence = tf.reshape(tf.matMul(oneHot, embedding), [-1, contextLength, width]);
  return tf.reshape(tf.add(bySequence, position), [-1, width]);
}

/**
 * Computes the logits and a function for their gradients.
 * @param embedded the result of `embed`
 * @param modules in the order of `moduleNames`, in place of `weights.adapted`: one matrix for all
 * sequences, or one per client
 * @returns logits of y1 … y6, (sequences·copyLength)×vocabulary, and their gradients
 */
export function forward<W extends Matrices>(
  embedded: tf.Tensor2D,
  weights: TransformerWeights,
  modules: readonly W[],
) {
  const first = block(embedded, 0, weights, modules, contextLength);
  // The last block skips the other positions, because nothing reads their outputs.
  const second = block(first.y, 1, weights, modules, copyLength);
  const normed = normalizeLayer(second.y);
  const head = linear(normed.y, weights.head);
  return {
    logits: head.y,
    back: (dLogits: tf.Tensor2D): Gradients<W> => {
      const d2 = second.back(normed.back(head.back(dLogits)));
      const d1 = first.back(d2.input());
      return {
        modules: () => [...d1.modules(), ...d2.modules()],
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

/**
 * Computes one block for the last `count` positions: attention, then the perceptron, each with a
 * residual connection.
 */
function block<W extends Matrices>(
  x: tf.Tensor2D,
  index: (typeof blocks)[number],
  weights: TransformerWeights,
  modules: readonly W[],
  count: number,
) {
  const module = (projection: number) => item(modules, 4 * index + projection);
  const before = normalizeLayer(x);
  const querying = selectLastPositions(before.y, contextLength, count);
  const q = linear(querying.y, module(0));
  const k = linear(before.y, module(1));
  const v = linear(before.y, module(2));
  const attended = attentionLayer(
    { q: q.y, k: k.y, v: v.y },
    { queries: count, positions: contextLength, heads },
  );
  const out = linear(attended.y, module(3));
  const residual = selectLastPositions(x, contextLength, count);
  const middle = tf.add<tf.Tensor2D>(residual.y, out.y);
  const between = normalizeLayer(middle);
  const up = linear(between.y, weights[`block${index}.up`]);
  const active = reluLayer(up.y);
  const down = linear(active.y, weights[`block${index}.down`]);
  return {
    y: tf.add<tf.Tensor2D>(middle, down.y),
    back: (dy: tf.Tensor2D) => {
      const dUp = active.back(down.back(dy));
      const dMiddle = tf.add<tf.Tensor2D>(dy, between.back(up.back(dUp)));
      const d = attended.back(out.back(dMiddle));
      return {
        modules: () => [q.weights(d.q), k.weights(d.k), v.weights(d.v), out.weights(dMiddle)],
        up: () => up.weights(dUp),
        down: () => down.weights(dy),
        input: () => {
          const dAsking = querying.back(q.back(d.q));
          const dBefore = tf.add<tf.Tensor2D>(dAsking, tf.add(k.back(d.k), v.back(d.v)));
          return tf.add<tf.Tensor2D>(residual.back(dMiddle), before.back(dBefore));
        },
      };
    },
  };
}

/**
 * Computes each client's mean cross-entropy, in nats per token.
 * @param target one-hot rows, as many as `logits`
 * @param clients number of clients; each has an equal part of the rows
 */
export function tokenCrossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D, clients = 1) {
  const p = tf.softmax(logits);
  return {
    values: (): Float32Array => {
      // Stays finite if a probability underflows, because records hold only finite numbers.
      const likelihood = tf.maximum(tf.sum(tf.mul(p, target), -1), 1e-30);
      const byClient = tf.reshape(tf.log(likelihood), [clients, -1]);
      return tf.neg(tf.mean(byClient, -1)).dataSync<"float32">();
    },
    gradient: () => tf.div<tf.Tensor2D>(tf.sub(p, target), logits.shape[0] / clients),
  };
}
