// Fits all explanations of biased scores to real evaluations, and predicts institutions and people
// that were held out of the fit.
import { stream, sum } from "@fedclair/linalg";
import { smooth } from "../dist/src/federation/grid.js";
import { histogramBase, shannon, totalVariation } from "../dist/src/model/evaluate-histogram.js";
import { explain, explanations, predict } from "../dist/src/model/explanations.js";
import { readFederation } from "../../../../studies/papers/data.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/**
 * The sets. `institution` names the part of a row that is held out together: InstEval has 14
 * departments; the 131 education authorities of Chem97 are joined to ten parts, because many are
 * small.
 */
const sets = [
  {
    name: "InstEval",
    file: "insteval.csv",
    points: [1, 2, 3, 4, 5],
    read: ({ y, service, dept }) => ({ score: y, isReference: service === 0, institution: dept }),
  },
  {
    name: "Chem97",
    file: "chem97.csv",
    points: [0, 2, 4, 6, 8, 10],
    read: ({ score, female, lea }) => ({ score, isReference: female === 0, institution: lea % 10 }),
  },
  {
    name: "Chem97, swapped",
    file: "chem97.csv",
    points: [0, 2, 4, 6, 8, 10],
    read: ({ score, female, lea }) => ({ score, isReference: female === 1, institution: lea % 10 }),
  },
];

/** Random splits of the people into four fifths to fit and a fifth to predict. */
const splits = 10;

/**
 * Fits all institutions, all but each one, and four fifths of the people.
 * @returns {Promise<Run[]>} with the labels `set` and `fit`: `all`, `others` or `split`; measures
 * `own.EXPLANATION`, the total variation that remains in the fit, `held.EXPLANATION` in what was
 * held out, and `alpha` and `tau` of the model, this minus the entropy of the true scores
 * @throws Error if the data cannot be fetched
 */
export async function measure(_out, { wants = () => true } = {}) {
  const runs = [];
  for (const { name, file, points, read } of sets.filter((set) => wants({ set: set.name }))) {
    const institutions = await countScores(file, points, read);
    const counts = [...institutions].sort(([a], [b]) => a - b).map(([, one]) => one);
    const join = (some) => [0, 1].map((group) => add(some.map((one) => one[group])));
    const whole = join(counts);
    const push = (fit, seed, fitted, held) => {
      const measures = compare(points, fitted, held);
      runs.push({ seed, labels: { set: name, fit }, measures });
    };
    push("all", 1, whole, whole);
    counts.forEach((one, i) => push("others", i + 1, join(counts.filter((x) => x !== one)), one));
    for (let seed = 1; seed <= splits; seed++) {
      const fifth = drawFifth(whole, stream("real scores").at(name, seed));
      const rest = whole.map((group, g) => group.map((n, k) => n - fifth[g][k]));
      push("split", seed, rest, fifth);
    }
  }
  return runs;
}

/** Draws a fifth of the people of each group without replacement. */
function drawFifth(groups, rng) {
  return groups.map((counts, g) => {
    const scores = Array.from(counts).flatMap((n, k) => new Array(n).fill(k));
    const drawn = new Float64Array(counts.length);
    const own = rng.at(g);
    for (const k of own.sample(scores).slice(0, Math.round(scores.length / 5))) drawn[k]++;
    return drawn;
  });
}

/** Fits all explanations to some counts, and predicts others. */
function compare(points, [reference, panel], [heldReference, heldPanel]) {
  const law = truthOf(points, reference);
  const fits = explain(law, normalise(panel));
  const truth = truthOf(points, heldReference);
  const observed = normalise(heldPanel);
  const { parameters } = fits.model;
  const measures = explanations.flatMap((explanation) => {
    const { variation, parameters: own } = fits[explanation];
    const predicted = predict(truth, explanation, own);
    return [
      [`own.${explanation}`, variation],
      [`held.${explanation}`, totalVariation(predicted, observed)],
    ];
  });
  const tau = shannon(predict(law, "model", parameters)) - shannon(law.pmf);
  // At the end of its range alpha is 0 but for the search's tolerance.
  const alpha = Math.round(1e9 * parameters.alpha) / 1e9;
  return { ...Object.fromEntries(measures), alpha, tau };
}

/** Counts scores by institution: of the reference group, then of the other. */
async function countScores(file, points, read) {
  const institutions = new Map();
  for (const row of await readFederation(file)) {
    const numbers = Object.entries(row).map(([column, cell]) => [column, Number(cell)]);
    const { score, isReference, institution } = read(Object.fromEntries(numbers));
    const place = points.indexOf(score);
    if (place < 0) throw new Error(`${file}: score ${score} is none of ${points.join(", ")}`);
    const counts =
      institutions.get(institution) ?? [0, 1].map(() => new Float64Array(points.length));
    counts[isReference ? 0 : 1][place]++;
    institutions.set(institution, counts);
  }
  return institutions;
}

/**
 * Estimates the law of true scores from counts at evenly spaced points.
 * @returns {import("../dist/src/model/explanations.js").TrueScores}
 */
export function truthOf(points, counts) {
  const pmf = smooth(normalise(counts), sum(counts));
  const width = points[1] - points[0];
  const edges = [...points.map((x) => x - width / 2), points.at(-1) + width / 2];
  return { base: histogramBase(points, pmf, "squared", width), pmf, edges };
}

export const normalise = (counts) => counts.map((count) => count / sum(counts));

/** Adds arrays of equal length. */
export const add = (all) => all.reduce((total, one) => total.map((count, k) => count + one[k]));
