import { stream, sum, item } from "@fedclair/linalg";
import { contaminations, fabricate, riskAversenessOf } from "../src/contaminations.js";
import { createScoreModel } from "../src/federation/basis.js";
import { guardScores, guardThreshold } from "../src/federation/family-guard.js";
import { countScores, smooth, trimmedPmf, type ScoreBins } from "../src/federation/grid.js";
import { fitColumn, computeMoments, poolMoments } from "../src/federation/moments.js";
import { detectOutsiders, toNoisyMatrix } from "../src/federation/subspace-detector.js";
import { createBiasedEvaluator, type BiasedEvaluator } from "../src/model/biased-evaluator.js";
import { normalise } from "../src/model/evaluate-histogram.js";
import type { Evaluator } from "../src/model/interventions.js";
import { trueScores } from "../src/truth.js";

const grid: ScoreBins = { lo: -5, hi: 5, bins: 50 };
const people = 2000;

export const panels: readonly Evaluator[] = [
  { alpha: 1, tau: 1.1 },
  { alpha: 2, tau: 1.6 },
  { alpha: 4, tau: 1.1 },
  { alpha: 4, tau: 1.6 },
];

/** Lists kinds for the contaminated institutions: the four that leave the model, in turn. */
export function fabricators(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => ["spike", "bimodal", "plateau", "deflate"][i % 4] ?? "",
  );
}

/**
 * Solving an evaluation takes longer than the rest of a federation, so evaluators are cached. They
 * depend only on their settings, and institutions can share them.
 */
const evaluators = new Map<string, BiasedEvaluator>();

function evaluatorOf(evaluator: Evaluator): BiasedEvaluator {
  const key = JSON.stringify(evaluator);
  const made = evaluators.get(key) ?? createBiasedEvaluator(trueScores, "squared", evaluator);
  evaluators.set(key, made);
  return made;
}

/**
 * Simulates a federation with pure functions only, without rounds and messages. It uses the task's
 * defaults, and all its institutions share one habit.
 * @param kinds of contamination, one for each of the first institutions
 */
export function simulate(seed: number, clients: number, kinds: readonly string[]) {
  const rng = stream(seed);
  const institutions = Array.from({ length: clients }, (_, c) => {
    const kind = kinds[c];
    const own = rng.at("institution", c);
    const contamination =
      kind === undefined ? undefined : { kind, options: contaminations.get(kind)?.parse({}) ?? {} };
    const countsOf = (honest: Float64Array, key: string) =>
      countScores(
        contamination ? fabricate(contamination, honest, own.at("fabricate", key)) : honest,
        grid,
      );
    const alpha = riskAversenessOf(contamination);
    return {
      reference: countsOf(own.at("reference").normals(people), "reference"),
      panels: panels.map((panel, j) => {
        const evaluator = evaluatorOf(alpha === undefined ? panel : { ...panel, alpha });
        return countsOf(evaluator.sample(people, own.at("panel", j)), String(j));
      }),
    };
  });

  const modelOf = (trim: number) => {
    const pmf = trimmedPmf(
      institutions.map(({ reference }) => normalise(reference)),
      trim,
    );
    return createScoreModel(smooth(pmf, people * clients), grid);
  };
  const momentsUnder = (model: ReturnType<typeof modelOf>) =>
    institutions.map((institution) => computeMoments(model.psi, institution.panels));
  const model = modelOf(0.25);
  const moments = momentsUnder(model);
  const detection = detectOutsiders(moments.map(toNoisyMatrix));
  const kept = [...moments.keys()].filter((c) => detection.flagged[c] === false);
  const guard = guardScores(
    model,
    moments.filter((_, c) => kept.includes(c)),
  );
  const odd = kept.filter((_, i) => item(guard, i) > guardThreshold);
  const plain = modelOf(0);
  return {
    model,
    institutions,
    moments,
    detection,
    /**
     * `outside` holds the clients that the detector flags, `odd` those of the rest that the guard
     * flags, and `guard` the guard's scores of that rest.
     */
    outside: [...detection.flagged.keys()].filter((c) => detection.flagged[c] === true),
    odd,
    guard,
    robust: panels.map((_, j) =>
      fitColumn(
        model,
        poolMoments(
          moments.filter((_, c) => kept.includes(c) && !odd.includes(c)),
          j,
        ),
      ),
    ),
    naive: panels.map((_, j) => fitColumn(plain, poolMoments(momentsUnder(plain), j))),
    /** The counts of all institutions but the contaminated ones, bin by bin. */
    pooledCounts: panels.map((_, j) =>
      Float64Array.from({ length: grid.bins }, (_, b) =>
        sum(institutions.slice(kinds.length).map((i) => item(item(i.panels, j), b))),
      ),
    ),
  };
}
