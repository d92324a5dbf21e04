import {
  isLowRank,
  readNumbers,
  toMatrix,
  type Aggregation,
  type Delta,
  type Tensor,
  type TensorDelta,
  type Update,
} from "@fedclair/core";
import { addScaled, frobenius, gaussian, Matrix, multiply, stream } from "@fedclair/linalg";
import { listFirst } from "../adapters/names-text.js";

/** Number of random directions; estimates of an energy from 16 are off by a third at most. */
const probeCount = 16;

/**
 * Says what refined changes may gain and cost that nobody measured.
 *
 * Write X_k = D_k + E_k, where D_k is what client k should have learnt and E_k its own error. If
 * refining moves X_k by the energy V, the error of the refined change is smaller by
 * (1 − 1/n)·|E_k|² outside the space, the gain, and larger by the rest of V, the cost. The two are
 * equal at |E_k|² = V / 2(1 − 1/n). One round does not show |E_k|².
 * @returns undefined if nobody was refined
 */
export function noticeRefining(
  updates: readonly Update[],
  { personal, refined, verdicts = [] }: Aggregation,
): string | undefined {
  const pooled = new Set(verdicts.flatMap((one) => (one.pooled ? [one.clientId] : [])));
  const n = pooled.size;
  const probe = createProbe();
  const needed = updates.flatMap(({ clientId, delta }) => {
    const terms =
      refined?.has(clientId) && pooled.has(clientId) ? personal?.get(clientId) : undefined;
    if (terms === undefined || n < 2) return [];
    const { own, moved } = measureEnergies(delta, terms, probe);
    return own > 0 ? [{ clientId, share: (n * moved) / (2 * (n - 1) * own) }] : [];
  });
  if (needed.length === 0) return undefined;
  const shares = needed.map(({ share }) => share);
  const percent = (x: number) => (100 * x).toFixed(0);
  const lost = needed.filter(({ share }) => share > 1).map(({ clientId }) => clientId);
  const alike = lost.length > 0 ? `; ${listFirst(lost)} better keep their own in any case` : "";
  return (
    "nobody measured if the refined changes are better than the clients' own; they are if error makes up at least " +
    `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} % of the energy of what a client sent${alike}`
  );
}

/** Multiplies changes of a module by random directions, each change once. */
export function createProbe() {
  const products = new Map<TensorDelta, Matrix>();
  return (module: string, change: TensorDelta): Matrix => {
    const known = products.get(change);
    if (known !== undefined) return known;
    const [b, a] = isLowRank(change) ? [toMatrix(change.b), toMatrix(change.a)] : [unfold(change)];
    const last = a ?? b;
    const directions = gaussian(stream("refining").at(module), last.cols, probeCount);
    const product = multiply(last, directions);
    const whole = a === undefined ? product : multiply(b, product);
    products.set(change, whole);
    return whole;
  };
}

/** A tensor of any number of extents as a matrix, with a row for each entry of the first one. */
export function unfold(tensor: Tensor): Matrix {
  const numbers = readNumbers(tensor);
  const rows = tensor.shape[0] ?? 1;
  return Matrix.fromRowMajor(rows, numbers.length / rows, numbers);
}

/** Estimates |X|² and |X − X̃|² of a change X and its refined version X̃, up to a common factor. */
function measureEnergies(
  delta: Delta,
  terms: readonly Delta[],
  probe: ReturnType<typeof createProbe>,
): { readonly own: number; readonly moved: number } {
  let [own, moved] = [0, 0];
  for (const [module, change] of delta) {
    const sent = probe(module, change);
    const rest = new Matrix(sent.rows, sent.cols);
    addScaled(rest, 1, sent);
    for (const term of terms) {
      const part = term.get(module);
      if (part !== undefined) addScaled(rest, -1, probe(module, part));
    }
    own += frobenius(sent) ** 2;
    moved += frobenius(rest) ** 2;
  }
  return { own, moved };
}
