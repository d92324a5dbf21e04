// Fits all explanations of biased scores to real evaluations, and predicts institutions that were
// held out of the fit.
import { sum } from "@fedclair/linalg";
import { smooth } from "../dist/src/federation/grid.js";
import { histogramBase, totalVariation } from "../dist/src/model/evaluate-histogram.js";
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
];

/**
 * Holds out each institution once.
 * @returns {Promise<Run[]>} with `set` and `institution` as labels; measures
 * `own.EXPLANATION` of the fit to the others and `held.EXPLANATION` of the institution held out
 * @throws Error if the data cannot be fetched
 */
export async function measure() {
  const runs = [];
  for (const { name, file, points, read } of sets) {
    const institutions = await countScores(file, points, read);
    for (const [institution, counts] of [...institutions].sort(([a], [b]) => a - b)) {
      const others = [...institutions.values()].filter((one) => one !== counts);
      const [reference, panel] = [0, 1].map((group) => add(others.map((one) => one[group])));
      const fits = explain(truthOf(points, reference), normalise(panel));
      const truth = truthOf(points, counts[0]);
      const observed = normalise(counts[1]);
      const measures = explanations.flatMap((explanation) => {
        const { variation, parameters } = fits[explanation];
        const predicted = predict(truth, explanation, parameters);
        return [
          [`own.${explanation}`, variation],
          [`held.${explanation}`, totalVariation(predicted, observed)],
        ];
      });
      const { alpha, gamma } = fits.model.parameters;
      runs.push({
        seed: 1,
        labels: { set: name, institution: String(institution) },
        measures: { ...Object.fromEntries(measures), alpha, gamma },
      });
    }
  }
  return runs;
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
