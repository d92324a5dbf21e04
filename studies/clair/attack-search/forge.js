import { toFloat64 } from "@fedclair/core";
import { leadingEigenvectors, Matrix, median, norm } from "@fedclair/linalg";
import {
  changeLike,
  coordinateDeviations,
  coordinateMeans,
  mapModules,
} from "@fedclair/rules/attacks";

/** The coordinates of the search; see `forge`. */
export const parts = ["own", "reverse", "spread", "sign", "leading"];

/**
 * Reads a round: the honest updates as vectors, and the directions in which an attacker can move.
 * @param {import("@fedclair/core").AttackedRound} round
 */
export function readRound({ own, honest, rng }) {
  const slices = new Map();
  let length = 0;
  for (const [name, module] of own[0].delta) {
    slices.set(name, [length, (length += toFloat64(module).length)]);
  }
  const flat = ({ delta }) => flattenDelta(delta, slices);
  const vectors = honest.map(flat);
  const mean = coordinateMeans(vectors);
  const deviations = vectors.map((vector) => difference(vector, mean));
  const unit = (vector) => scale(vector, 1 / (norm(vector) || 1));
  const directions = [
    unit(scale(mean, -1)),
    unit(scale(coordinateDeviations(vectors, mean), -1)),
    unit(mean.map((x) => -Math.sign(x))),
    unit(leadingAgainst(deviations, mean)),
  ];
  const moves = own.map((update) => difference(flat(update), mean));
  const reach = median(deviations.map(norm));
  return { own, honest, rng, slices, mean, moves, directions, reach };
}

/**
 * Forges the attackers' updates: μ + w₀·(X_k - μ) + r·Σ_j w_j·d_j. X_k is attacker k's honest
 * update, and r the median distance of honest updates from their mean μ. The d_j are the directions
 * -μ, -σ, -sign μ and the leading direction of the honest deviations. ALIE, min-max and IPM are of
 * this form.
 * @param {ReturnType<typeof readRound>} round
 * @param {ArrayLike<number>} weights as many as `parts`
 */
export function forge({ own, slices, mean, moves, directions, reach }, weights) {
  const common = mean.slice();
  directions.forEach((direction, j) => {
    direction.forEach((x, i) => (common[i] += reach * weights[j + 1] * x));
  });
  const sent = new Map(
    own.map(({ clientId }, k) => [clientId, common.map((x, i) => x + weights[0] * moves[k][i])]),
  );
  return mapModules(own, (module, name, clientId) =>
    changeLike(module, sent.get(clientId).slice(...slices.get(name))),
  );
}

/**
 * Joins the modules of a change to one vector, with products multiplied out.
 * @param {import("@fedclair/core").Delta} delta
 * @param {ReadonlyMap<string, readonly [from: number, to: number]>} slices the place of each module
 */
export function flattenDelta(delta, slices) {
  const out = new Float64Array(Math.max(...[...slices.values()].map(([, to]) => to)));
  for (const [name, [from]] of slices) out.set(toFloat64(delta.get(name)), from);
  return out;
}

/** The direction in which honest updates differ most, turned so that it points against the mean. */
function leadingAgainst(deviations, mean) {
  const n = deviations.length;
  const gram = new Matrix(n, n);
  deviations.forEach((x, i) => {
    deviations.forEach((y, j) => (gram.data[i * n + j] = inner(x, y)));
  });
  const weights = leadingEigenvectors(gram, 1).data;
  const out = mean.map(() => 0);
  deviations.forEach((deviation, k) => {
    deviation.forEach((x, i) => (out[i] += weights[k] * x));
  });
  return inner(out, mean) > 0 ? scale(out, -1) : out;
}

export function inner(x, y) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

function scale(vector, factor) {
  return vector.map((x) => factor * x);
}

function difference(x, y) {
  return x.map((value, i) => value - y[i]);
}
