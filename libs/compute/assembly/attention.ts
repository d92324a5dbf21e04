import { exp } from "./exp";
import { addMultiple, lanes, product } from "./vector";

/*
 * Causal attention in float32. Queries are of each sequence's last positions, keys and values of all; a query sees the positions
 * up to its own. Rows are positions of one sequence after another, `width` numbers each, all heads side by side; a head has a
 * multiple of 4. Probabilities are sequences×heads×queries×across, with `across` the positions rounded up to a multiple of 4.
 */

/** y ← softmax(q·kᵀ·scale)·v, and the probabilities. */
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
): void {
  const row = width * 4;
  const head = row / heads;
  const across = ((positions + 3) & ~3) * 4;
  const scale: f32 = 1 / sqrt<f32>(f32(width / heads));
  for (let s: usize = 0; s < sequences; s++) {
    for (let h: usize = 0; h < row; h += head) {
      for (let i: usize = 0; i < queries; i++, probabilities += across) {
        const at = (s * queries + i) * row + h;
        const seen = positions - queries + i + 1;
        const start = s * positions * row + h;
        let top: f32 = -Infinity;
        for (let j: usize = 0; j < seen; j++) {
          const score = product(q + at, k + start + j * row, head) * scale;
          store<f32>(probabilities + j * 4, score);
          top = max(top, score);
        }
        softmax(probabilities, seen, across, top);
        combine(y + at, v + start, probabilities, seen, row, head);
      }
    }
  }
}

/** The gradients by q, k and v; those by k and v are added up, and begin as zeros. */
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
  scores: usize,
): void {
  const row = width * 4;
  const head = row / heads;
  const across = ((positions + 3) & ~3) * 4;
  const scale: f32 = 1 / sqrt<f32>(f32(width / heads));
  memory.fill(dk, 0, sequences * positions * row);
  memory.fill(dv, 0, sequences * positions * row);
  for (let s: usize = 0; s < sequences; s++) {
    for (let h: usize = 0; h < row; h += head) {
      for (let i: usize = 0; i < queries; i++, probabilities += across) {
        const at = (s * queries + i) * row + h;
        const seen = positions - queries + i + 1;
        const start = s * positions * row + h;
        let mean: f32 = 0;
        for (let j: usize = 0; j < seen; j++) {
          const p = load<f32>(probabilities + j * 4);
          const slope = product(dy + at, v + start + j * row, head);
          store<f32>(scores + j * 4, slope);
          mean += p * slope;
        }
        for (let j: usize = 0; j < seen; j++) {
          const p = load<f32>(probabilities + j * 4);
          const slope = p * (load<f32>(scores + j * 4) - mean) * scale;
          store<f32>(scores + j * 4, slope);
          addMultiple(dk + start + j * row, f32x4.splat(slope), q + at, head);
          addMultiple(dv + start + j * row, f32x4.splat(p), dy + at, head);
        }
        combine(dq + at, k + start, scores, seen, row, head);
      }
    }
  }
}

/** Scores become probabilities, in place; next to nothing behind those that are seen. */
function softmax(scores: usize, seen: usize, across: usize, top: f32): void {
  for (let at = seen * 4; at < across; at += 4) store<f32>(scores + at, -Infinity);
  const largest = f32x4.splat(top);
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < across; at += 16) {
    const likelihood = exp(f32x4.sub(v128.load(scores + at), largest));
    v128.store(scores + at, likelihood);
    sum = f32x4.add(sum, likelihood);
  }
  const total = f32x4.splat(lanes(sum));
  for (let at: usize = 0; at < across; at += 16) {
    v128.store(scores + at, f32x4.div(v128.load(scores + at), total));
  }
}

/** to ← Σ factor·row, over rows one below the other. */
function combine(
  to: usize,
  rows: usize,
  factors: usize,
  count: usize,
  row: usize,
  bytes: usize,
): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    let sum = f32x4.splat(0);
    for (let j: usize = 0; j < count; j++) {
      const factor = v128.load32_splat(factors + j * 4);
      sum = f32x4.add(sum, f32x4.mul(factor, v128.load(rows + j * row + at)));
    }
    v128.store(to + at, sum);
  }
}
