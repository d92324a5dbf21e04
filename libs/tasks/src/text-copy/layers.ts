import * as tf from "@tensorflow/tfjs-core";

/*
 * The layers of the Transformer with their gradients, written out: tfjs-core's build for Node registers none, and
 * XNNPACK, the matrix product of the wasm backend, takes only plain two-dimensional products. A transposing or batched
 * product runs on a slow path (384×48 times 384×144: 2.3 ms against 0.2 ms), so matrices are transposed on their own.
 * The same holds for transposes of five dimensions (4.4 ms) against four (0.02 ms). Call all of it inside `tf.tidy`.
 */

/** What a layer returns: its output, and the gradient with respect to its input from that of its output. */
export interface Layer {
  readonly y: tf.Tensor2D;
  readonly back: (dy: tf.Tensor2D) => tf.Tensor2D;
}

export interface Linear extends Layer {
  /** The gradient with respect to the weights. */
  readonly weights: (dy: tf.Tensor2D) => tf.Tensor2D;
}

/** y = x·w with x rows×in, w in×out; no bias. */
export function linear(x: tf.Tensor2D, w: tf.Tensor2D): Linear {
  return {
    y: tf.matMul(x, w),
    back: (dy) => tf.matMul(dy, tf.transpose(w)),
    weights: (dy) => tf.matMul(tf.transpose(x), dy),
  };
}

/** ReLU; GELU would need erf, which costs forty times as much on wasm. */
export function relu(x: tf.Tensor2D): Layer {
  return { y: tf.relu(x), back: (dy) => tf.mul(dy, tf.step(x)) };
}

/** Layer normalisation of each row, without learnt gain and shift. */
export function normalize(x: tf.Tensor2D): Layer {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5));
  const y = tf.mul<tf.Tensor2D>(centred, scale);
  return {
    y,
    back: (dy) => {
      const along = tf.mul(y, tf.mean(tf.mul(dy, y), -1, true));
      return tf.mul(scale, tf.sub(tf.sub(dy, tf.mean(dy, -1, true)), along));
    },
  };
}

/**
 * The rows of each sequence's last `count` positions.
 * @param x (sequences·length)×width
 */
export function lastPositions(x: tf.Tensor2D, length: number, count: number): Layer {
  if (count === length) return { y: x, back: (dy) => dy };
  const width = x.shape[1];
  const sequences = x.shape[0] / length;
  const skipped = (length - count) * width;
  const bySequence = tf.reshape<tf.Rank.R2>(x, [sequences, length * width]);
  const kept = tf.slice2d(bySequence, [0, skipped], [sequences, count * width]);
  return {
    y: tf.reshape(kept, [sequences * count, width]),
    back: (dy) => {
      const rows = tf.reshape<tf.Rank.R2>(dy, [sequences, count * width]);
      return tf.reshape(tf.concat2d([tf.zeros([sequences, skipped]), rows], 1), x.shape);
    },
  };
}

/**
 * Attention of the last positions of each sequence to the whole of it.
 * @param qkv (sequences·length)×3·width: queries, keys and values of all heads side by side
 * @param mask queries×length, 0 where attention is allowed and very negative elsewhere
 * @returns y of (sequences·queries)×width
 */
export function attention(qkv: tf.Tensor2D, heads: number, mask: tf.Tensor2D): Layer {
  const [queries, length] = mask.shape;
  const [rows, columns] = qkv.shape;
  const width = columns / 3;
  const scale = 1 / Math.sqrt(width / heads);
  const split = (x: tf.Tensor2D, positions: number): tf.Tensor4D =>
    tf.transpose(tf.reshape(x, [-1, positions, heads, width / heads]), [0, 2, 1, 3]);
  const merge = (x: tf.Tensor): tf.Tensor2D =>
    tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, width]);
  const third = (i: number) => tf.slice2d(qkv, [0, i * width], [rows, width]);

  const asking = lastPositions(third(0), length, queries);
  const q = split(asking.y, queries);
  const k = split(third(1), length);
  const v = split(third(2), length);
  const p = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), scale), mask));
  return {
    y: merge(tf.matMul(p, v)),
    back: (dy) => {
      const dOut = split(dy, queries);
      const weighted = tf.mul(tf.matMul(dOut, v, false, true), p);
      const dScores = tf.mul(tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true))), scale);
      const dQ = asking.back(merge(tf.matMul(dScores, k)));
      const dK = merge(tf.matMul(dScores, q, true, false));
      const dV = merge(tf.matMul(p, dOut, true, false));
      return tf.concat2d([dQ, dK, dV], 1);
    },
  };
}
