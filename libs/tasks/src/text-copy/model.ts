import * as tf from "@tensorflow/tfjs-core";
import { item } from "@fedclair/linalg";
import { attention, lastPositions, linear, normalize, relu, type Matrices } from "./layers.js";
import { blocks, contextLength, copyLength, moduleNames, width } from "./shape.js";

/*
 * A decoder-only Transformer: token and position embeddings, two blocks with normalisation before each half, one more
 * normalisation, and a linear head; nothing has a bias. It reads x1 … x6 SEP y1 … y5 and predicts y1 … y6.
 */

const heads = 4;

/**
 * The weights as the model uses them, in×out: `embedding` vocabulary×width, `position` contextLength×width, `adapted`
 * width×(8·width), `up` width×hidden, `down` hidden×width, `head` width×vocabulary. `adapted` holds the modules side by
 * side in the order of `moduleNames`.
 */
export type Weights = Readonly<Record<WeightName, tf.Tensor2D>>;
export type WeightName =
  | "embedding"
  | "position"
  | "adapted"
  | `block${(typeof blocks)[number]}.${"up" | "down"}`
  | "head";

/** Computed when asked for, so that frozen weights cost nothing. `input` is the gradient of the embedded tokens. */
export type Gradients<W extends Matrices> = Readonly<
  Record<Exclude<WeightName, "embedding" | "position" | "adapted"> | "input", () => tf.Tensor2D>
> & { readonly modules: () => readonly W[] };

/** The modules one by one, width×width each. */
export function modulesOf({ adapted }: Weights): readonly tf.Tensor2D[] {
  return moduleNames.map((_, module) => tf.slice2d(adapted, [0, module * width], [width, width]));
}

/**
 * (sequences·contextLength)×width, what the first block reads.
 * @param oneHot (sequences·contextLength)×vocabulary: on wasm a product has a gradient, gathering rows has none
 */
export function embed(oneHot: tf.Tensor2D, { embedding, position }: Weights): tf.Tensor2D {
  const bySequence = tf.reshape(tf.matMul(oneHot, embedding), [-1, contextLength, width]);
  return tf.reshape(tf.add(bySequence, position), [-1, width]);
}

/**
 * @param embedded what `embed` returns
 * @param modules in the order of `moduleNames`, in place of `weights.adapted`: the same for all sequences, or a client's each
 * @returns logits of y1 … y6, (sequences·copyLength)×vocabulary, and their gradients
 */
export function forward<W extends Matrices>(
  embedded: tf.Tensor2D,
  weights: Weights,
  modules: readonly W[],
) {
  const first = block(embedded, 0, weights, modules, contextLength);
  // The last block's other positions would be read by nobody.
  const second = block(first.y, 1, weights, modules, copyLength);
  const normed = normalize(second.y);
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

/** One block for the last `count` positions: attention, then the perceptron, each added to what it reads. */
function block<W extends Matrices>(
  x: tf.Tensor2D,
  index: (typeof blocks)[number],
  weights: Weights,
  modules: readonly W[],
  count: number,
) {
  const module = (projection: number) => item(modules, 4 * index + projection);
  const before = normalize(x);
  const asking = lastPositions(before.y, contextLength, count);
  const q = linear(asking.y, module(0));
  const k = linear(before.y, module(1));
  const v = linear(before.y, module(2));
  const attended = attention(
    { q: q.y, k: k.y, v: v.y },
    { queries: count, positions: contextLength, heads },
  );
  const out = linear(attended.y, module(3));
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
      const d = attended.back(out.back(dMiddle));
      return {
        modules: () => [q.weights(d.q), k.weights(d.k), v.weights(d.v), out.weights(dMiddle)],
        up: () => up.weights(dUp),
        down: () => down.weights(dy),
        input: () => {
          const dAsking = asking.back(q.back(d.q));
          const dBefore = tf.add<tf.Tensor2D>(dAsking, tf.add(k.back(d.k), v.back(d.v)));
          return tf.add<tf.Tensor2D>(kept.back(dMiddle), before.back(dBefore));
        },
      };
    },
  };
}

/**
 * Mean cross-entropy of each client, in nats a token.
 * @param target one-hot rows, as many as `logits`
 * @param clients of which the rows are equal parts
 */
export function crossEntropy(logits: tf.Tensor2D, target: tf.Tensor2D, clients = 1) {
  const p = tf.softmax(logits);
  return {
    values: (): Float32Array => {
      // Kept finite where a probability underflows: records hold finite numbers only.
      const likelihood = tf.maximum(tf.sum(tf.mul(p, target), -1), 1e-30);
      const byClient = tf.reshape(tf.log(likelihood), [clients, -1]);
      return tf.neg(tf.mean(byClient, -1)).dataSync<"float32">();
    },
    gradient: () => tf.div<tf.Tensor2D>(tf.sub(p, target), logits.shape[0] / clients),
  };
}
