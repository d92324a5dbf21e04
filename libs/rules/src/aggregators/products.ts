import {
  readNumbers,
  yieldToEventLoop,
  type LowRank,
  type Delta,
  type Update,
} from "@fedclair/core";
import { item } from "@fedclair/linalg";
import { groupSenders, sumSenders } from "./mean.js";

/**
 * Computes Σ c_k·(change of client k) as terms: one with the dense modules, and one with stacked
 * factors of rank Σ r_k. Clients with weight 0 appear in neither.
 * @param weights c, in the order of the updates; they need not sum to 1
 */
export function combineProducts(
  updates: readonly Update[],
  weights: ArrayLike<number>,
): Promise<Delta[]> {
  const kept = updates.flatMap((update, k) => {
    const weight = item(weights, k);
    return weight === 0 ? [] : [{ update, weight }];
  });
  const senders = groupSenders(
    kept.map(({ update }) => update),
    kept.map(({ weight }) => weight),
  );
  return sumSenders(senders, stackPairs);
}

/**
 * Computes Σ w_k·B_k·A_k as [B_1 … B_K]·[w_1·A_1; …; w_K·A_K], of rank Σ r_k, in the memory layout
 * of the tensors.
 */
async function stackPairs(pairs: readonly LowRank[], weights: readonly number[]): Promise<LowRank> {
  const rank = pairs.reduce((total, { a }) => total + (a.shape[0] ?? 0), 0);
  const rows = pairs[0]?.b.shape[0] ?? 0;
  const columns = pairs[0]?.a.shape[1] ?? 0;
  const left = new Float64Array(rows * rank);
  const right = new Float64Array(rank * columns);
  let top = 0;
  for (const [k, { b, a }] of pairs.entries()) {
    const own = a.shape[0] ?? 0;
    for (let i = 0, s = 0; i < rows; i++) {
      for (let j = 0; j < own; j++, s++) left[i * rank + top + j] = item(readNumbers(b), s);
    }
    const weight = item(weights, k);
    const from = top * columns;
    for (let i = 0; i < readNumbers(a).length; i++)
      right[from + i] = weight * item(readNumbers(a), i);
    top += own;
    await yieldToEventLoop();
  }
  return { b: { shape: [rows, rank], data: left }, a: { shape: [rank, columns], data: right } };
}
