import {
  frobenius,
  leadingLeft,
  median,
  medianDeviation,
  splitEnergy,
  sum,
} from "@fedclair/linalg";
import { changeOf, isCompared } from "../../libs/aggregators/dist/src/clair/modules.js";
import { compress, inner } from "../../libs/aggregators/dist/src/clair/subspace/change.js";

/** The least deviation that clients differ by, by piece. */
const floors = { agreement: 0.02, size: 0.05, clique: 0.03, outside: 0.02 };

/** A share of energy below it is none. */
const leastShare = 1e-9;

/**
 * A rule for one round that is plain enough to be held against CLAIR's, as an aggregator that changes nothing. Of every client four
 * pieces, large is bad:
 *
 * - agreement: minus the median cosine with the others still in;
 * - size: ln of the norm of the whole change;
 * - clique: the mean cosine with the two nearest, less the median one; of all clients, or the last of a clique looked alone;
 * - outside: −ln of the share of its energy in the space that fits the half that agrees most, without it.
 *
 * Cosines and shares are means over modules. Each piece counts in robust deviations from the median; Student's t with four degrees of
 * freedom gives it a p, Fisher's sum one to the four, times the number of clients. The most significant client below the rate is
 * named and taken out, and all is computed again, until there is none, or half are named.
 * @param rank dimension of the space, of every module
 * @param rate of federations without a contaminated client in which somebody is named, in (0, 1)
 */
export function referenceRule({ rank, rate }) {
  return {
    aggregate({ updates }) {
      const { scores, named } = judge(updates, rank, rate);
      const verdicts = updates.map(({ clientId }, k) => {
        const status = named.has(k) ? "contaminated" : "benign";
        return { clientId, status, score: scores[k], threshold: 1 };
      });
      return Promise.resolve({ change: [], verdicts });
    },
  };
}

/** Scores are ln p in units of that which names, where it was named or else in the end. */
function judge(updates, rank, rate) {
  const modules = modulesOf(updates);
  const all = [...updates.keys()];
  const cosines = all.map((i) => all.map((j) => mean(modules.map(({ cosine }) => cosine(i, j)))));
  const size = all.map((k) => Math.log(Math.hypot(...modules.map(({ norms }) => norms[k]))));
  const clique = all.map((k) => {
    const others = cosinesWith(cosines, k, all).sort((x, y) => y - x);
    return (others[0] + others[1]) / 2 - median(others);
  });
  const scores = [];
  const named = new Set();
  for (;;) {
    const left = all.filter((k) => !named.has(k));
    const agreement = all.map((k) => median(cosinesWith(cosines, k, left)));
    const core = left
      .toSorted((i, j) => agreement[j] - agreement[i])
      .slice(0, Math.ceil(left.length / 2));
    const inside = insideOf(modules, rank, core, left);
    const logs = logTails(left, {
      agreement: agreement.map((x) => -x),
      size,
      clique,
      outside: inside.map((share) => -Math.log(Math.max(share, leastShare))),
    });
    left.forEach((k, i) => (scores[k] = (logs[i] + Math.log(all.length)) / Math.log(rate)));
    const next = left.reduce((i, j) => (scores[j] > scores[i] ? j : i));
    if (scores[next] <= 1 || 2 * (named.size + 1) > all.length) return { scores, named };
    named.add(next);
  }
}

/** By module: the clients' norms, cosines, and blocks of unit norm that have the columns' spaces. */
function modulesOf(updates) {
  const names = [...updates[0].delta].filter(([, change]) => isCompared(change));
  return names.map(([name]) => {
    const changes = updates.map(({ delta }) => changeOf(delta.get(name)));
    const grams = changes.map((x) => changes.map((y) => inner(x, y)));
    const norms = grams.map((own, k) => Math.sqrt(own[k]));
    const blocks = changes.map((change) => {
      const block = compress(change, "left");
      return block.scale(1 / (frobenius(block) || 1));
    });
    return { norms, blocks, cosine: (i, j) => grams[i][j] / (norms[i] * norms[j] || 1) };
  });
}

function cosinesWith(cosines, k, clients) {
  return clients.filter((j) => j !== k).map((j) => cosines[k][j]);
}

/** By client, of some: the share of energy in the space that fits the core, without the client. */
function insideOf(modules, rank, core, clients) {
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

/** ln p of some clients, by all pieces together. */
function logTails(clients, pieces) {
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

/** ln of the p that independent ones come to: −2·Σ ln p is χ² with twice as many degrees of freedom. */
export function fisher(logs) {
  const half = -sum(logs);
  let [term, terms] = [1, 1];
  for (let i = 1; i < logs.length; i++) terms += term *= half / i;
  return Math.log(terms) - half;
}

function mean(values) {
  return sum(values) / values.length;
}
