import { exp } from "./exp";
import { lanes, transpose } from "./vector";

/**
 * Causal attention in float32. Queries are at the last positions of each sequence, keys and values
 * at all positions; a query sees the positions up to its own. Rows are the positions of one
 * sequence after another, each with `width` numbers for all heads side by side; the size of a head
 * is a multiple of 4. Probabilities are sequences×heads×queries×across, where `across` is the
 * number of positions rounded up to a multiple of 4; positions that a query does not see have 0.
 * Four positions are processed together, from a head's keys or values stored as columns.
 */

/**
 * y ← softmax(q·kᵀ·scale)·v, and the probabilities.
 * @param columns room for width/heads×across numbers
 */
export function attention(
  q: usize,
  k: usize,
  v: usize,
  sequences: usize,
  queries: usize,
  positions: usize,
  heads: usize,
  width: usize,
  y: usize,
  probabilities: usize,
  columns: usize,
): void {
  const row = width * 4;
  const head = row / heads;
  const across = ((positions + 3) & ~3) * 4;
  const scale = f32x4.splat(1 / sqrt<f32>(f32(width / heads)));
  const before = positions - queries;
  for (let s: usize = 0; s < sequences; s++) {
    for (let h: usize = 0; h < row; h += head) {
      const start = s * positions * row + h;
      transpose(k + start, row, positions, head, columns, across);
      const at = s * queries * row + h;
      // Each step runs for all queries before the next: the processor can then overlap several
      // queries instead of waiting for one step to finish.
      for (let i: usize = 0; i < queries; i++) {
        const scores = probabilities + i * across;
        for (let j: usize = 0; j < (before + i + 1) * 4; j += 16) {
          const score = products(q + at + i * row, head, columns + j, across);
          v128.store(scores + j, f32x4.mul(score, scale));
        }
      }
      for (let i: usize = 0; i < queries; i++) {
        softmax(probabilities + i * across, before + i + 1, across);
      }
      for (let i: usize = 0; i < queries; i++, probabilities += across) {
        combine(y + at + i * row, v + start, row, probabilities, 4, before + i + 1, head);
      }
    }
  }
}

/**
 * The gradients with respect to q, k and v.
 * @param room for (width/heads + queries)×across numbers
 */
export function attentionGradient(
  q: usize,
  k: usize,
  v: usize,
  sequences: usize,
  queries: usize,
  positions: usize,
  heads: usize,
  width: usize,
  probabilities: usize,
  dy: usize,
  dq: usize,
  dk: usize,
  dv: usize,
  room: usize,
): void {
  const row = width * 4;
  const head = row / heads;
  const across = ((positions + 3) & ~3) * 4;
  const scale = f32x4.splat(1 / sqrt<f32>(f32(width / heads)));
  const slopes = room + (head / 4) * across;
  const before = positions - queries;
  for (let s: usize = 0; s < sequences; s++) {
    const queryStart = s * queries * row;
    const keyStart = s * positions * row;
    for (let h: usize = 0; h < row; h += head, probabilities += queries * across) {
      transpose(v + keyStart + h, row, positions, head, room, across);
      for (let i: usize = 0; i < queries; i++) {
        const at = queryStart + i * row + h;
        const slope = slopes + i * across;
        const visible = before + i + 1;
        softmaxGradient(
          dy + at,
          head,
          room,
          across,
          probabilities + i * across,
          visible,
          scale,
          slope,
        );
        combine(dq + at, k + keyStart + h, row, slope, 4, visible, head);
      }
      for (let j: usize = 0; j < positions; j++) {
        // The first query that sees the position.
        const i = j > before ? j - before : 0;
        const from = queryStart + i * row + h;
        const to = keyStart + j * row + h;
        const factor = i * across + j * 4;
        combine(dk + to, q + from, row, slopes + factor, across, queries - i, head);
        combine(dv + to, dy + from, row, probabilities + factor, across, queries - i, head);
      }
    }
  }
}

/** The products of a row with four columns. */
function products(x: usize, bytes: usize, columns: usize, across: usize): v128 {
  let sum = f32x4.splat(0);
  for (const end = x + bytes; x < end; x += 16, columns += 4 * across) {
    const below = columns + 2 * across;
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x), v128.load(columns)));
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x, 4), v128.load(columns + across)));
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x, 8), v128.load(below)));
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(x, 12), v128.load(below + across)));
  }
  return sum;
}

/** Mask of the four positions from `first` on: which are among the first `visible` ones. */
function visibleLanes(first: usize, visible: usize): v128 {
  return i32x4.lt_s(
    i32x4.add(i32x4.splat(i32(first)), i32x4(0, 1, 2, 3)),
    i32x4.splat(i32(visible)),
  );
}

/** Converts scores to probabilities, in place. */
function softmax(scores: usize, visible: usize, across: usize): void {
  const end = visible * 4;
  let top = f32x4.splat(-Infinity);
  for (let at: usize = 0; at < end; at += 16) {
    const score = v128.bitselect(
      v128.load(scores + at),
      f32x4.splat(-Infinity),
      visibleLanes(at >> 2, visible),
    );
    v128.store(scores + at, score);
    top = f32x4.pmax(top, score);
  }
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 2, 3, 0, 1));
  top = f32x4.pmax(top, v128.shuffle<f32>(top, top, 1, 0, 3, 2));
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    // Mask the result, because `exp` of -∞ is not 0.
    const likelihood = v128.and(
      exp(f32x4.sub(v128.load(scores + at), top)),
      visibleLanes(at >> 2, visible),
    );
    v128.store(scores + at, likelihood);
    sum = f32x4.add(sum, likelihood);
  }
  const total = f32x4.splat(lanes(sum));
  let at: usize = 0;
  for (; at < end; at += 16) {
    v128.store(scores + at, f32x4.div(v128.load(scores + at), total));
  }
  for (; at < across; at += 16) v128.store(scores + at, f32x4.splat(0));
}

/** The gradient with respect to a query's scores, given that with respect to its output. */
function softmaxGradient(
  dy: usize,
  head: usize,
  values: usize,
  across: usize,
  probabilities: usize,
  visible: usize,
  scale: v128,
  slopes: usize,
): void {
  const end = visible * 4;
  let along = f32x4.splat(0);
  for (let at: usize = 0; at < end; at += 16) {
    const slope = v128.and(products(dy, head, values + at, across), visibleLanes(at >> 2, visible));
    v128.store(slopes + at, slope);
    along = f32x4.add(along, f32x4.mul(v128.load(probabilities + at), slope));
  }
  const mean = f32x4.splat(lanes(along));
  for (let at: usize = 0; at < end; at += 16) {
    const slope = f32x4.mul(f32x4.sub(v128.load(slopes + at), mean), scale);
    v128.store(slopes + at, f32x4.mul(v128.load(probabilities + at), slope));
  }
}

/** to ← Σ factor·row, over consecutive rows and factors. */
function combine(
  to: usize,
  rows: usize,
  row: usize,
  factors: usize,
  step: usize,
  count: usize,
  bytes: usize,
): void {
  let at: usize = 0;
  for (; at + 48 <= bytes; at += 48) {
    let sum0 = f32x4.splat(0);
    let sum1 = f32x4.splat(0);
    let sum2 = f32x4.splat(0);
    let from = rows + at;
    let factor = factors;
    for (let j: usize = 0; j < count; j++, from += row, factor += step) {
      const times = v128.load32_splat(factor);
      sum0 = f32x4.add(sum0, f32x4.mul(times, v128.load(from)));
      sum1 = f32x4.add(sum1, f32x4.mul(times, v128.load(from, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(times, v128.load(from, 32)));
    }
    v128.store(to + at, sum0);
    v128.store(to + at, sum1, 16);
    v128.store(to + at, sum2, 32);
  }
  for (; at < bytes; at += 16) {
    let sum = f32x4.splat(0);
    let from = rows + at;
    let factor = factors;
    for (let j: usize = 0; j < count; j++, from += row, factor += step) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(factor), v128.load(from)));
    }
    v128.store(to + at, sum);
  }
}
