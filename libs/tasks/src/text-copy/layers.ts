import * as tf from "@tensorflow/tfjs-core";

/*
 * The layers of the Transformer with explicit gradients, because tfjs-core's build for Node
 * registers none. Call all of them inside `tf.tidy`. Transposes of five dimensions take two hundred
 * times as long on wasm as those of four.
 */

/**
 * The result of a layer: its output, and a function from the gradient of the output to that of the
 * input.
 */
interface LayerResult {
  readonly y: tf.Tensor2D;
  readonly back: (dy: tf.Tensor2D) => tf.Tensor2D;
}

/**
 * A weight matrix in×out for all rows, or clients×in×out. In the second case the rows consist of
 * equal parts, one per client.
 */
export type Matrices = tf.Tensor2D | tf.Tensor3D;

interface LinearResult<W extends Matrices> extends LayerResult {
  /** Computes the gradient with respect to the weights, in their shape. */
  readonly weights: (dy: tf.Tensor2D) => W;
}

/** Computes y = x·w without bias, where x is rows×in. */
export function linear<W extends Matrices>(x: tf.Tensor2D, w: W): LinearResult<W> {
  const clients = w.rank === 3 ? w.shape[0] : undefined;
  const split = (rows: tf.Tensor2D): tf.Tensor =>
    clients === undefined ? rows : tf.reshape(rows, [clients, -1, rows.shape[1]]);
  const join = (rows: tf.Tensor): tf.Tensor2D => tf.reshape(rows, [-1, rows.shape.at(-1) ?? NaN]);
  return {
    y: join(tf.matMul(split(x), w)),
    back: (dy) => join(tf.matMul(split(dy), w, false, true)),
    weights: (dy) => tf.matMul<W>(split(x), split(dy), true),
  };
}

/** Applies ReLU. GELU would need erf, which costs forty times as much on wasm. */
export function reluLayer(x: tf.Tensor2D): LayerResult {
  const y = tf.relu(x);
  if (!isFused("ReluGradient")) return { y, back: (dy) => tf.mul(dy, tf.step(x)) };
  return { y, back: (dy) => run("ReluGradient", { y, dy })[0] };
}

/** Normalises each row, without learnt gain and shift. */
export function normalizeLayer(x: tf.Tensor2D): LayerResult {
  if (!isFused("Normalize")) return normalizeByOperations(x);
  const [y, scales] = run("Normalize", { x });
  return { y, back: (dy) => run("NormalizeGradient", { y, scales, dy })[0] };
}

export function normalizeByOperations(x: tf.Tensor2D): LayerResult {
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
 * Selects the rows of each sequence's last `count` positions.
 * @param x (sequences·length)×width
 */
export function selectLastPositions(x: tf.Tensor2D, length: number, count: number): LayerResult {
  if (count === length) return { y: x, back: (dy) => dy };
  const width = x.shape[1];
  const sequences = x.shape[0] / length;
  const skipped = (length - count) * width;
  const bySequence = tf.reshape<tf.Rank.R2>(x, [sequences, length * width]);
  const selected = tf.slice2d(bySequence, [0, skipped], [sequences, count * width]);
  return {
    y: tf.reshape(selected, [sequences * count, width]),
    back: (dy) => {
      const rows = tf.reshape<tf.Rank.R2>(dy, [sequences, count * width]);
      // A concatenation with zeros would take nine times as long on wasm.
      return tf.reshape(
        tf.pad2d(rows, [
          [0, 0],
          [skipped, 0],
        ]),
        x.shape,
      );
    },
  };
}

/**
 * Queries, keys and values, (sequences·positions)×width each, with all heads side by side. Queries
 * may have fewer positions.
 */
// A type, not an interface: this lets tf see that it holds only tensors.
type Attended = {
  readonly q: tf.Tensor2D;
  readonly k: tf.Tensor2D;
  readonly v: tf.Tensor2D;
};

export interface AttentionSizes {
  /** Number of positions at the end of a sequence that send queries. */
  readonly queries: number;
  readonly positions: number;
  readonly heads: number;
}

export interface Attention {
  /** (sequences·queries)×width */
  readonly y: tf.Tensor2D;
  readonly back: (dy: tf.Tensor2D) => Attended;
}

/** Computes attention from the last positions of each sequence to all positions up to their own. */
export function attentionLayer(inputs: Attended, sizes: AttentionSizes): Attention {
  if (!isFused("Attention")) return attentionByOperations(inputs, sizes);
  const [y, probabilities] = run("Attention", inputs, sizes);
  return {
    y,
    back: (dy) => {
      const [q, k, v] = run("AttentionGradient", { ...inputs, probabilities, dy }, sizes);
      return { q, k, v };
    },
  };
}

export function attentionByOperations(
  inputs: Attended,
  { queries, positions, heads }: AttentionSizes,
): Attention {
  const width = inputs.q.shape[1];
  const scale = 1 / Math.sqrt(width / heads);
  const split = (x: tf.Tensor2D, rows: number): tf.Tensor4D =>
    tf.transpose(tf.reshape(x, [-1, rows, heads, width / heads]), [0, 2, 1, 3]);
  const merge = (x: tf.Tensor): tf.Tensor2D =>
    tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [-1, width]);

  const q = split(inputs.q, queries);
  const k = split(inputs.k, positions);
  const v = split(inputs.v, positions);
  const mask = causalMask(queries, positions);
  const p = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), scale), mask));
  return {
    y: merge(tf.matMul(p, v)),
    back: (dy) => {
      const dOut = split(dy, queries);
      const weighted = tf.mul(tf.matMul(dOut, v, false, true), p);
      const dScores = tf.mul(tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true))), scale);
      return {
        q: merge(tf.matMul(dScores, k)),
        k: merge(tf.matMul(dScores, q, true)),
        v: merge(tf.matMul(p, dOut, true)),
      };
    },
  };
}

/**
 * Builds a mask that prevents positions from looking ahead: 0 where attention is allowed, very
 * negative elsewhere.
 */
function causalMask(queries: number, positions: number): tf.Tensor2D {
  const rows = Array.from({ length: queries }, (_, row) =>
    Array.from({ length: positions }, (_, column) =>
      column > row + positions - queries ? -1e9 : 0,
    ),
  );
  return tf.tensor2d(rows);
}

/** Returns whether `@fedclair/compute` has this layer as one operation for the current backend. */
function isFused(kernel: string): boolean {
  const registered: unknown = tf.getKernel(kernel, tf.getBackend());
  return registered !== undefined;
}

function run(kernel: string, inputs: tf.NamedTensorMap, sizes?: AttentionSizes) {
  const outputs = tf.engine().runKernel(kernel, inputs, { ...sizes });
  return outputs as unknown as readonly [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
}
