import {
  frobenius,
  leadingLeft,
  mean,
  median,
  medianDeviation,
  splitEnergy,
  sum,
} from "@fedclair/linalg";
import { compressChange, innerOfChanges, isCompared, toChange } from "@fedclair/clair/internal";

/** Lower bounds of the robust deviation, by piece. */
const floors = { agreement: 0.02, size: 0.05, clique: 0.03, outside: 0.02 };

/** Shares of energy are clamped to at least this value. */
const leastShare = 1e-9;

/**
 * A plain rule for one round to compare CLAIR's rules with, as an aggregator that changes nothing.
 * Each client has four pieces of evidence. Larger values are more suspicious:
 *
 * - agreement: minus the median cosine with the clients that are not flagged;
 * - size: ln of the norm of the whole change;
 * - clique: the mean cosine with the two nearest clients minus the median one. It uses all clients,
 *   because the last member of a flagged clique would look like a single client;
 * - outside: −ln of the share of energy inside a space. The space fits the half of the clients that
 *   agrees most, without the client itself.
 *
 * Cosines and shares are means over modules. Each piece is measured in robust deviations from the
 * median. Student's t with four degrees of freedom turns it into a p-value, and Fisher's method
 * combines the four, times the number of clients. The most significant client below the rate is
 * flagged and removed, and everything is computed again, until none is left or half are flagged.
 * @param rank dimension of the space, the same for every module
 * @param rate share of clean federations in which a client is flagged, in (0, 1)
 */
export function referenceRule({ rank, rate }) {
  return {
    aggregate({ updates }) {
      const { scores, flagged } = judge(updates, rank, rate);
      const verdicts = updates.map(({ clientId }, k) => {
        const status = flagged.has(k) ? "contaminated" : "benign";
        return { clientId, status, score: scores[k], threshold: 1 };
      });
      return Promise.resolve({ change: [], verdicts });
    },
  };
}

/**
 * Returns scores and flagged clients. A score is ln p divided by ln of the rate, taken when the
 * client was flagged or else at the end.
 */
function judge(updates, rank, rate) {
  const modules = compareModules(updates);
  const all = [...updates.keys()];
  const cosines = all.map((i) => all.map((j) => mean(modules.map(({ cosine }) => cosine(i, j)))));
  const size = all.map((k) => Math.log(Math.hypot(...modules.map(({ norms }) => norms[k]))));
  const clique = all.map((k) => {
    const others = cosinesWith(cosines, k, all).sort((x, y) => y - x);
    return (others[0] + others[1]) / 2 - median(others);
  });
  const scores = [];
  const flagged = new Set();
  for (;;) {
    const left = all.filter((k) => !flagged.has(k));
    const agreement = all.map((k) => median(cosinesWith(cosines, k, left)));
    const core = left
      .toSorted((i, j) => agreement[j] - agreement[i])
      .slice(0, Math.ceil(left.length / 2));
    const inside = computeInside(modules, rank, core, left);
    const logs = computeLogTails(left, {
      agreement: agreement.map((x) => -x),
      size,
      clique,
      outside: inside.map((share) => -Math.log(Math.max(share, leastShare))),
    });
    left.forEach((k, i) => (scores[k] = (logs[i] + Math.log(all.length)) / Math.log(rate)));
    const next = left.reduce((i, j) => (scores[j] > scores[i] ? j : i));
    if (scores[next] <= 1 || 2 * (flagged.size + 1) > all.length) return { scores, flagged };
    flagged.add(next);
  }
}

/**
 * For each module: the clients' norms, cosines, and blocks of unit norm with the same column
 * spaces.
 */
function compareModules(updates) {
  const names = [...updates[0].delta].filter(([, change]) => isCompared(change));
  return names.map(([name]) => {
    const changes = updates.map(({ delta }) => toChange(delta.get(name)));
    const grams = changes.map((x) => changes.map((y) => innerOfChanges(x, y)));
    const norms = grams.map((own, k) => Math.sqrt(own[k]));
    const blocks = changes.map((change) => {
      const block = compressChange(change, "left");
      return block.scale(1 / (frobenius(block) || 1));
    });
    return { norms, blocks, cosine: (i, j) => grams[i][j] / (norms[i] * norms[j] || 1) };
  });
}

function cosinesWith(cosines, k, clients) {
  return clients.filter((j) => j !== k).map((j) => cosines[k][j]);
}

/** Each client's share of energy in the space that fits the core without this client. */
function computeInside(modules, rank, core, clients) {
  const shares = [];
  for (const k of clients) shares[k] = 0;
  for (const { blocks } of modules) {
    const fit = (members) =>
      leadingLeft(
        members.map((k) => blocks[k]),
        Math.min(rank, blocks[0].rows),
      );
    const whole = fit(core);
    for (const k of clients) {
      const space = core.includes(k) ? fit(core.filter((j) => j !== k)) : whole;
      shares[k] += splitEnergy(space, blocks[k]).inside / modules.length;
    }
  }
  return shares;
}

/** Computes ln p of each client from all pieces together. */
function computeLogTails(clients, pieces) {
  const logs = Object.entries(floors).map(([piece, floor]) => {
    const own = clients.map((k) => pieces[piece][k]);
    const middle = median(own);
    const deviation = Math.max(medianDeviation(own, middle), floor);
    return own.map((x) => Math.log(studentTail((x - middle) / deviation)));
  });
  return clients.map((_, i) => fisher(logs.map((own) => own[i])));
}

/** P(T > t) of Student's t with four degrees of freedom. */
export function studentTail(t) {
  const sine = t / Math.sqrt(t * t + 4);
  const rest = t > 0 ? 4 / ((t * t + 4) * (1 + sine)) : 1 - sine; // 1 − sine, with all its digits
  return (rest ** 2 * (2 + sine)) / 4;
}

/**
 * Fisher's method: ln of the combined p of independent p-values. −2·Σ ln p is χ² with twice as many
 * degrees of freedom as there are values.
 */
export function fisher(logs) {
  const half = -sum(logs);
  let [term, terms] = [1, 1];
  for (let i = 1; i < logs.length; i++) terms += term *= half / i;
  return Math.log(terms) - half;
}
