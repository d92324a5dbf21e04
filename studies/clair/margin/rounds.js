import {
  addScaled,
  frobenius,
  gaussian,
  hstack,
  multiply,
  multiplyTN,
  subtract,
} from "@fedclair/linalg";
import { clair, clairSchema } from "@fedclair/clair";
import { denoisingRound, idOf, updateOf } from "@fedclair/rules/testing";

/**
 * Kinds of contaminated clients. `near` colluders share all directions of the benign space but one.
 * Colluders without noise fit their space better than any benign client does.
 */
export const kinds = {
  "own spaces": { collusion: "independent" },
  "one space": { collusion: "collude" },
  "one line": { collusion: "line" },
  "one space, no noise": { collusion: "collude", isExact: true },
  "one line, no noise": { collusion: "line", isExact: true },
  near: { collusion: "collude", isNear: true },
  "near, no noise": { collusion: "collude", isExact: true, isNear: true },
};

/** A space is wrong if it or the true one loses more of the energy that the other one has. */
const largestLoss = 0.1;

/** The share of the energy of changes inside one space that another one loses. */
function lossOf(changes, space, other) {
  const unit = changes.map((x) => x.scale(1 / frobenius(x)));
  const inside = (basis) =>
    unit.reduce((total, x) => total + frobenius(multiplyTN(basis, x)) ** 2, 0);
  return 1 - inside(other) / inside(space);
}

/**
 * @typedef {object} Size
 * @property {number} p rows
 * @property {number} q columns
 * @property {number} r dimensions of the shared space
 * @property {number} clients
 * @property {number} contaminated
 * @property {number} sigma standard deviation of the noise
 */

/**
 * Runs rule `gap` on one round of matrix denoising.
 * @param {import("@fedclair/linalg").Stream} rng
 * @param {Size} size
 * @param {keyof typeof kinds} kind
 * @param {number | "auto"} rank
 * @returns {Promise<{ margin: number, complete: boolean, isRight: boolean, isExact: boolean }>} the
 *   margin is 0 if none was measured
 */
export async function runRound(rng, size, kind, rank = "auto") {
  const { changes, basis, bad } = drawRound(rng, size, kind);
  const updates = changes.map((x, k) => updateOf(idOf(k), { m: x }));
  const options = clairSchema.parse({ rule: "gap", rank, starts: size.clients });
  const { status, pooled, spaces, identifiable, modules } = await clair(updates, options);
  modules.close();
  const { left } = spaces.get("m");
  const isBad = new Set(bad);
  const found = new Set(pooled.map(({ id }) => id));
  const benign = changes.filter((_, k) => !isBad.has(idOf(k)));
  const members = changes.filter((_, k) => found.has(idOf(k)));
  const loss = Math.max(lossOf(benign, basis, left), lossOf(members, left, basis));
  const flagged = [...status].flatMap(([id, is]) => (is === "contaminated" ? [id] : []));
  return {
    margin: identifiable?.margin ?? 0,
    complete: identifiable?.complete ?? false,
    isRight: loss <= largestLoss,
    isExact: flagged.join() === bad.join(),
  };
}

function drawRound(rng, size, kind) {
  const { collusion, isExact = false, isNear = false } = kinds[kind];
  const { sent, ideal, basis, contaminated: bad } = denoisingRound(rng, size, collusion);
  const isBad = new Set(bad);
  const other = gaussian(rng.at("direction"), size.p, 1, 1 / Math.sqrt(size.p));
  const near = hstack([basis.columns(0, size.r - 1), other]);
  const changes = sent.map((x, k) => {
    if (!isBad.has(idOf(k))) return x;
    const noise = subtract(x, ideal[k]);
    const own = isNear
      ? multiply(near, gaussian(rng.at("near", k), size.r, size.q, 1 / Math.sqrt(size.q)))
      : ideal[k].copy();
    if (!isExact) addScaled(own, 1, noise);
    return own;
  });
  return { basis, bad, changes };
}
