// Asks what the explanations of biased scores say about a selection: who is called back, of résumés
// whose names were drawn at random (M. Bertrand and S. Mullainathan, AER 94, 2004). A call-back is
// a score above an unknown threshold. White names count as evaluated exactly.
import { normalQuantile, normalTail, sum } from "@fedclair/linalg";
import { listCentres, listEdges, widthOf } from "../dist/src/federation/grid.js";
import { compassSearch } from "../dist/src/model/compass-search.js";
import { histogramBase, shannon } from "../dist/src/model/evaluate-histogram.js";
import { predict } from "../dist/src/model/explanations.js";
import { histogramDistribution } from "../dist/src/model/score-distribution.js";
import { groupBy } from "../../../../studies/support/group-by.js";
import { readFederation } from "../../../../studies/papers/data.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/**
 * @typedef {object} Calls
 * @property {number} white résumés with a white name
 * @property {number} whiteCalls
 * @property {number} black
 * @property {number} blackCalls
 */

/** True scores are N(0, 1): only the order of thresholds is observed, so any law would do. */
const grid = { lo: -6, hi: 6, bins: 240 };
const edges = listEdges(grid);
const pmf = Float64Array.from(
  { length: grid.bins },
  (_, k) => normalTail(edges[k]) - normalTail(edges[k + 1]),
);
const base = histogramBase(listCentres(grid), pmf, "squared", widthOf(grid));
const truth = { base, pmf, edges };
const trueLaw = histogramDistribution(pmf, edges);

/** The free parameters of each explanation, and where its search starts. */
const searches = {
  model: {
    // As in `explain`: these two hardly interact.
    parametersAt: ([skew, spread]) => ({
      alpha: Math.exp(skew),
      gamma: Math.exp((spread + skew) / 2),
    }),
    start: [0, 2 * Math.log(2)],
  },
  multiplicative: {
    parametersAt: ([lnBeta, shift]) => ({ beta: Math.exp(lnBeta), shift }),
    start: [0, 0],
  },
  implicitVariance: {
    parametersAt: ([sigma, shift]) => ({ sigma: Math.abs(sigma), shift }),
    start: [0.1, 0],
  },
  sameTau: { parametersAt: ([lnAlpha]) => ({ alpha: Math.exp(lnAlpha) }), start: [0] },
  neutral: {
    parametersAt: ([lnGamma]) => ({ alpha: 1, gamma: Math.exp(lnGamma) }),
    start: [Math.log(2)],
  },
};

/** Columns whose values are held out one after another. */
const held = { job_industry: "industry", job_type: "job" };
const parts = 10;

/**
 * Holds out each industry and each kind of job, and estimates shares from ten parts of the ads. The
 * runs differ by the label `by`:
 *
 * - `industry` and `job`: `held.EXPLANATION` is the error of the share of black names called.
 * - `all`: `alpha` and `tau` minus the entropy of the true scores are fitted to all industries, and
 *   to all kinds of job; `alphaSameTau` if tau equals that entropy.
 * - `ads`: Each part has pseudo-values of a jackknife. `white.GROUP` and `black.GROUP` are shares
 *   called. `gain.white` and `gain.black` are what a better résumé adds to their normal quantiles.
 * @returns {Promise<Run[]>} with `by` and `unit` as labels
 * @throws Error if the data cannot be fetched
 */
export async function measure() {
  const rows = await readFederation("resumes.csv");
  const runs = Object.entries(held).flatMap(([column, by]) => {
    const units = [...groupBy(rows, (row) => row[column])].map(([unit, own]) => ({
      unit,
      calls: countCalls(own),
    }));
    return [
      ...units.map(({ unit, calls }) => {
        const others = units.filter((one) => one.unit !== unit).map((one) => one.calls);
        const errors = ["unbiased", ...Object.keys(searches)].map((name) => {
          const parameters = fitCalls(name, others);
          const [share] = predictShares(name, parameters, [calls]);
          return [`held.${name}`, Math.abs(share - calls.blackCalls / calls.black)];
        });
        return { seed: 1, labels: { by, unit }, measures: Object.fromEntries(errors) };
      }),
      {
        seed: 1,
        labels: { by: "all", unit: by },
        measures: fitAll(units.map(({ calls }) => calls)),
      },
    ];
  });
  return [...runs, ...jackknife(rows)];
}

/** Counts résumés and call-backs by name. @returns {Calls} */
function countCalls(rows) {
  const calls = { white: 0, whiteCalls: 0, black: 0, blackCalls: 0 };
  for (const row of rows) {
    const name = row.black === "1" ? "black" : "white";
    calls[name]++;
    calls[`${name}Calls`] += Number(row.received_callback);
  }
  return calls;
}

/**
 * Predicts the share of black names that is called from that of white names, which tells the
 * threshold.
 * @param {string} name of an explanation
 * @param {Readonly<Record<string, number>>} parameters
 * @param {readonly Calls[]} all
 */
export function predictShares(name, parameters, all) {
  const law = histogramDistribution(predict(truth, name, parameters), edges);
  return all.map(({ white, whiteCalls }) => law.survival(trueLaw.threshold(whiteCalls / white)));
}

/**
 * Fits an explanation to the calls of several units by maximum likelihood, given the shares of
 * white names.
 * @param {string} name of an explanation
 * @param {readonly Calls[]} units
 * @returns {Readonly<Record<string, number>>} its parameters
 */
export function fitCalls(name, units) {
  if (name === "unbiased") return {};
  const { parametersAt, start } = searches[name];
  const lowest = compassSearch(
    (at) => {
      const shares = predictShares(name, parametersAt(at), units);
      return sum(units.map((unit, i) => deviance(unit, shares[i])));
    },
    [start],
  );
  return parametersAt(lowest.at);
}

/** The negative log-likelihood of the calls of black names. */
function deviance({ black, blackCalls }, share) {
  const p = Math.min(1 - 1e-9, Math.max(1e-9, share));
  return -blackCalls * Math.log(p) - (black - blackCalls) * Math.log(1 - p);
}

function fitAll(units) {
  const model = fitCalls("model", units);
  return {
    alpha: model.alpha,
    tau: shannon(predict(truth, "model", model)) - shannon(pmf),
    alphaSameTau: fitCalls("sameTau", units).alpha,
  };
}

/** The groups of résumés in the table of shares. */
const selections = {
  all: () => true,
  high: ({ high }) => high === "1",
  low: ({ high }) => high === "0",
  // Names were drawn at random, but men's names mostly for jobs in sales.
  women: ({ male, job_type: job }) => male === "0" && isSales(job),
  men: ({ male, job_type: job }) => male === "1" && isSales(job),
};

const isSales = (job) => job === "retail_sales" || job === "sales_rep";

/** Résumés for the same ad stay together, because the same employer decided on all of them. */
function jackknife(rows) {
  const ads = [...groupBy(rows, (row) => row.job_ad_id).values()];
  const total = estimateShares(rows);
  return Array.from({ length: parts }, (_, part) => {
    const without = estimateShares(ads.filter((_, k) => k % parts !== part).flat());
    const measures = Object.entries(total).map(([name, value]) => [
      name,
      parts * value - (parts - 1) * without[name],
    ]);
    const labels = { by: "ads", unit: String(part + 1) };
    return { seed: 1, labels, measures: Object.fromEntries(measures) };
  });
}

function estimateShares(rows) {
  const shares = Object.entries(selections).flatMap(([name, isChosen]) => {
    const calls = countCalls(rows.filter(isChosen));
    return [
      [`white.${name}`, calls.whiteCalls / calls.white],
      [`black.${name}`, calls.blackCalls / calls.black],
    ];
  });
  const all = Object.fromEntries(shares);
  // normalQuantile takes 0.5 to 1, and fewer than half are called.
  const threshold = (name) => normalQuantile(1 - all[name]);
  const gain = (name) => threshold(`${name}.low`) - threshold(`${name}.high`);
  return { ...all, "gain.white": gain("white"), "gain.black": gain("black") };
}
