// Federations in memory whose truth is known: X_k = D_k + E_k, where benign clients have
// D_k = M + U·C_k + H_k.
import { toTensor } from "@fedclair/core";
import {
  addScaled,
  frobenius,
  gaussian,
  Matrix,
  multiply,
  multiplyTN,
  solveUpper,
  thinQr,
} from "@fedclair/linalg";

/**
 * @typedef {object} Setting
 * @property {number} p rows
 * @property {number} q columns
 * @property {number} rank of the shared space
 * @property {number} noise standard deviation σ of the noise on an entry, or on a sample's output
 * @property {number} [samples] clients estimate D_k by least squares from as many samples
 * @property {number} clients
 * @property {number} contaminated
 * @property {keyof typeof attacks} attack
 * @property {number} distance of contaminated clients from the space, in norms of a benign D_k
 * @property {number} common norm of M, the part outside the space that all benign clients share
 * @property {number} ownPart norm of the part outside the space that is a benign client's own
 * @property {number} [clientRank] rank of C_k, if it is below that of the space
 * @property {number} modules
 */

/** @type {Setting} */
export const usual = {
  p: 24,
  q: 16,
  rank: 3,
  noise: 0.02,
  clients: 20,
  contaminated: 6,
  attack: "outside",
  distance: 1,
  common: 0,
  ownPart: 0,
  modules: 1,
};

/**
 * Draws a federation. Contaminated clients are the last ones; CLAIR does not depend on the order.
 * @param {import("@fedclair/linalg").Stream} rng
 * @param {Partial<Setting>} some other than usual
 */
export function drawFederation(rng, some) {
  const setting = { ...usual, ...some };
  const modules = Array.from({ length: setting.modules }, (_, m) =>
    drawModule(rng.at("module", m), setting),
  );
  const updates = Array.from({ length: setting.clients }, (_, k) => {
    const delta = modules.map(({ sent }, m) => /** @type {const} */ ([`m${m}`, toTensor(sent[k])]));
    return { clientId: `c${k}`, numExamples: 1, metrics: {}, delta: new Map(delta) };
  });
  const isBad = updates.map((_, k) => k >= setting.clients - setting.contaminated);
  return { setting, modules, updates, isBad };
}

function drawModule(rng, setting) {
  const { p, q, rank, clients, contaminated, clientRank = rank } = setting;
  const space = thinQr(gaussian(rng.at("space"), p, rank)).q;
  const shared = outsideOf(space, gaussian(rng.at("common"), p, q));
  const drawInside = (own) => {
    const coefficients =
      clientRank === rank
        ? gaussian(own, rank, q)
        : multiply(gaussian(own, rank, clientRank), gaussian(own, clientRank, q));
    return scaleTo(multiply(space, coefficients), Math.sqrt(rank));
  };
  const truths = Array.from({ length: clients }, (_, k) => {
    const own = rng.at("client", k);
    const inside = drawInside(own);
    if (k >= clients - contaminated)
      return attacks[setting.attack]({ rng, own, inside, space, setting });
    const outside = outsideOf(space, gaussian(own.at("own part"), p, q));
    addScaled(inside, setting.common / frobenius(shared), shared);
    addScaled(inside, setting.ownPart / frobenius(outside), outside);
    return inside;
  });
  const sent = truths.map((truth, k) => {
    const estimate = truth.copy();
    addScaled(estimate, 1, drawError(rng.at("error", k), setting));
    return estimate;
  });
  return { space, truths, sent };
}

/** E_k: noise on every entry, or the error of least squares. */
function drawError(rng, { p, q, noise, samples }) {
  const error = gaussian(rng, p, q, noise);
  if (samples === undefined) return error;
  // With inputs of triangular factor R, the error is R⁻¹·G, where G has the noise of the outputs.
  return solveUpper(thinQr(gaussian(rng.at("inputs"), samples, p)).r, error);
}

/** What contaminated clients send, without error, by kind of attack. */
const attacks = {
  outside: ({ own, inside, space, setting }) => {
    const away = outsideOf(space, gaussian(own.at("outside"), inside.rows, inside.cols));
    addScaled(inside, (setting.distance * frobenius(inside)) / frobenius(away), away);
    return inside;
  },
  noise: ({ own, inside }) =>
    scaleTo(gaussian(own.at("noise"), inside.rows, inside.cols), frobenius(inside)),
  colluders: ({ rng, own, inside, setting }) => inCommon(rng, own, inside, setting.rank),
  line: ({ rng, own, inside }) => inCommon(rng, own, inside, 1),
  flipped: ({ inside }) => inside.scale(-1),
  boosted: ({ inside }) => inside.scale(5),
  // All push in one direction, which an average of few clients follows.
  target: ({ rng, inside, space }) =>
    scaleTo(
      multiply(space, gaussian(rng.at("target"), space.cols, inside.cols)),
      3 * frobenius(inside),
    ),
};

/** A matrix in a space that all contaminated clients share. */
function inCommon(rng, own, inside, rank) {
  const columns = gaussian(rng.at("collusion"), inside.rows, rank);
  const matrix = multiply(columns, gaussian(own.at("collusion"), rank, inside.cols));
  return scaleTo(matrix, frobenius(inside));
}

/** X − U·Uᵀ·X */
export function outsideOf(space, matrix) {
  const outside = matrix.copy();
  addScaled(outside, -1, multiply(space, multiplyTN(space, matrix)));
  return outside;
}

function scaleTo(matrix, norm) {
  return matrix.scale(norm / frobenius(matrix));
}
