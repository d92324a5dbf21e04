import { item } from "@fedclair/linalg";
import { compassSearch, type Lowest } from "./compass-search.js";
import { evaluateHistogram, shannon, totalVariation } from "./evaluate-histogram.js";
import { member, type Base } from "./family.js";
import { fitHistogram } from "./fit.js";
import { ModelError } from "./model-error.js";
import { blurred, scaled } from "./older-models.js";

/**
 * What may explain the scores that a panel gives, with its free parameters: the model (alpha, gamma), its
 * special cases alpha = 1 and tau of the true scores, the two older models, and no bias at all.
 */
export const explanations = [
  "model",
  "neutral",
  "sameTau",
  "multiplicative",
  "implicitVariance",
  "unbiased",
] as const;

export type Explanation = (typeof explanations)[number];

/** How well an explanation does, with its best parameters. */
export interface Explained {
  /** Total variation between what it predicts and what was observed. */
  readonly variation: number;
  readonly parameters: Readonly<Record<string, number>>;
}

/** A law of true scores on cells. */
export interface Truth {
  /** Statistics (U, O) of `pmf`, all points of one measure. */
  readonly base: Base;
  readonly pmf: Float64Array;
  /** Of the cells, ascending, one more than there are points. */
  readonly edges: readonly number[];
}

/**
 * Fits every explanation by the least total variation, as the authors' code does, by compass search in place of its grids.
 * Each is at least as good as those that it contains: the model as its special cases, all but these as no bias.
 * @param observed probability of each cell
 */
export function explain(truth: Truth, observed: Float64Array): Record<Explanation, Explained> {
  const distance = (predicted: Float64Array) => totalVariation(predicted, observed);
  const neutral = fitNeutral(truth.base, distance);
  const sameTau = fitSameTau(truth, distance);
  return {
    model: fitModel(truth.base, observed, distance, [neutral, sameTau]),
    neutral,
    sameTau,
    multiplicative: fitMultiplicative(truth, observed, distance),
    implicitVariance: fitImplicitVariance(truth, observed, distance),
    unbiased: { variation: distance(truth.pmf), parameters: {} },
  };
}

type Distance = (predicted: Float64Array) => number;

function familyPmf(base: Base, alpha: number, gamma: number): Float64Array {
  return member(base, 1 / gamma, alpha / gamma).probabilities;
}

/** In ln alpha and ln gamma² / alpha, which hardly interact: one moves, the other spreads the scores. */
function fitModel(
  base: Base,
  observed: Float64Array,
  distance: Distance,
  contained: readonly Explained[],
): Explained {
  const likely = fitHistogram(base, observed);
  const starts = [
    ...(likely.status === "OK" ? [likely] : []),
    ...contained.flatMap(({ parameters: { alpha, gamma } }) =>
      alpha === undefined || gamma === undefined ? [] : [{ alpha, gamma }],
    ),
  ];
  const parametersAt = ([skew = NaN, spread = NaN]: readonly number[]) => ({
    alpha: Math.exp(skew),
    gamma: Math.exp((spread + skew) / 2),
  });
  const found = compassSearch(
    (at) => {
      const { alpha, gamma } = parametersAt(at);
      return distance(familyPmf(base, alpha, gamma));
    },
    starts.map(({ alpha, gamma }) => [Math.log(alpha), 2 * Math.log(gamma) - Math.log(alpha)]),
  );
  return explainedAt(found, parametersAt);
}

/** alpha = 1: one parameter, found on a ladder of gammas first. */
function fitNeutral(base: Base, distance: Distance): Explained {
  const risks = base.under.map((u, i) => u + item(base.over, i));
  const unit = Math.log(Math.max(...risks) - Math.min(...risks));
  const ladder = Array.from({ length: 14 }, (_, rung) => [unit - rung]);
  const found = compassSearch(
    ([lnGamma = NaN]) => distance(familyPmf(base, 1, Math.exp(lnGamma))),
    ladder,
  );
  return explainedAt(found, ([lnGamma = NaN]) => ({ alpha: 1, gamma: Math.exp(lnGamma) }));
}

/** tau fixed at the entropy of the true scores; alpha is free. */
function fitSameTau({ base, pmf }: Truth, distance: Distance): Explained {
  const tau = shannon(pmf) + item(base.logWeight, 0);
  const evaluationAt = (lnAlpha: number) => solved(base, Math.exp(lnAlpha), tau);
  const found = compassSearch(
    ([lnAlpha = NaN]) => {
      const evaluation = evaluationAt(lnAlpha);
      return evaluation === undefined ? 1 : distance(evaluation.pmf);
    },
    [[0]],
  );
  return explainedAt(found, ([lnAlpha = NaN]): Record<string, number> => {
    const gamma = evaluationAt(lnAlpha)?.gamma;
    return gamma === undefined ? {} : { alpha: Math.exp(lnAlpha), gamma };
  });
}

/** Undefined where no gamma gives the entropy. */
function solved(base: Base, alpha: number, tau: number) {
  try {
    return evaluateHistogram(base, alpha, tau);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/** x = beta·v + shift. The search turns about the mean, moves in standard deviations, and starts at equal moments too. */
function fitMultiplicative(
  { base, pmf, edges }: Truth,
  observed: Float64Array,
  distance: Distance,
) {
  const [mean, sd] = momentsOf(base, pmf);
  const [seen, spread] = momentsOf(base, observed);
  const parametersAt = ([lnBeta = NaN, move = NaN]: readonly number[]) => {
    const beta = Math.exp(lnBeta);
    return { beta, shift: mean * (1 - beta) + move * sd };
  };
  const at = (point: readonly number[]) => {
    const { beta, shift } = parametersAt(point);
    return distance(scaled(pmf, edges, beta, shift));
  };
  const starts = [[0, 0], ...(spread > 0 ? [[Math.log(spread / sd), (seen - mean) / sd]] : [])];
  return explainedAt(compassSearch(at, starts), parametersAt);
}

/** x = v + shift + N(0, sigma²), searched in standard deviations of the true scores; sigma = 0 is no noise. */
function fitImplicitVariance(
  { base, pmf, edges }: Truth,
  observed: Float64Array,
  distance: Distance,
) {
  const [mean, sd] = momentsOf(base, pmf);
  const [seen, spread] = momentsOf(base, observed);
  const parametersAt = ([noise = NaN, move = NaN]: readonly number[]) => ({
    sigma: Math.abs(noise) * sd,
    shift: move * sd,
  });
  const at = (point: readonly number[]) => {
    const { sigma, shift } = parametersAt(point);
    return distance(blurred(pmf, base.x, edges, sigma, shift));
  };
  const noise = Math.sqrt(Math.max(0, spread ** 2 - sd ** 2)) / sd;
  const starts = [
    [0, 0],
    [noise, (seen - mean) / sd],
  ];
  return explainedAt(compassSearch(at, starts), parametersAt);
}

/** Mean and standard deviation. */
function momentsOf({ x }: Base, pmf: Float64Array): [number, number] {
  const mean = pmf.reduce((total, p, i) => total + p * item(x, i), 0);
  const variance = pmf.reduce((total, p, i) => total + p * (item(x, i) - mean) ** 2, 0);
  return [mean, Math.sqrt(variance)];
}

function explainedAt(
  { at, value }: Lowest,
  parametersAt: (at: readonly number[]) => Explained["parameters"],
): Explained {
  return { variation: value, parameters: parametersAt(at) };
}
