import { item } from "@fedclair/linalg";
import { compassSearch, type Lowest } from "./compass-search.js";
import { evaluateHistogram, shannon, totalVariation } from "./evaluate-histogram.js";
import { member, type BaseMeasure } from "./family.js";
import { fitHistogram } from "./fit.js";
import { ModelError } from "./model-error.js";
import { blur, scaleScores } from "./older-models.js";

/**
 * The explanations of a panel's scores: the model with free parameters (alpha, gamma), its special
 * cases with alpha = 1 and with the tau of the true scores, two older models, and no bias at all.
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

/** The fit of an explanation: its distance from the scores, and its best parameters. */
interface ExplanationFit {
  /** Total variation between predicted and observed scores. */
  readonly variation: number;
  readonly parameters: Readonly<Record<string, number>>;
}

/** A distribution of true scores on cells. */
export interface TrueScores {
  /** Statistics (U, O) of `pmf`; all points have the same measure. */
  readonly base: BaseMeasure;
  readonly pmf: Float64Array;
  /** Edges of the cells, ascending, one more than there are points. */
  readonly edges: readonly number[];
}

/**
 * Fits every explanation by the least total variation, as the authors' code does, but by compass
 * search instead of grids. Each explanation fits at least as well as those that it contains: the
 * model contains its special cases, and all except these contain no bias.
 * @param observed probability of each cell
 */
export function explain(
  truth: TrueScores,
  observed: Float64Array,
): Record<Explanation, ExplanationFit> {
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

/**
 * Predicts the scores of other people by parameters of an explanation: their true scores may follow
 * another law than those that it was fitted to.
 * @param parameters as `explain` returns them
 */
export function predict(
  { base, pmf, edges }: TrueScores,
  explanation: Explanation,
  { alpha = NaN, gamma = NaN, beta = NaN, sigma = NaN, shift = NaN }: ExplanationFit["parameters"],
): Float64Array {
  switch (explanation) {
    case "model":
    case "neutral":
      return familyPmf(base, alpha, gamma);
    case "sameTau":
      return tryEvaluate(base, alpha, computeTau(base, pmf))?.pmf ?? pmf;
    case "multiplicative":
      return scaleScores(pmf, edges, beta, shift);
    case "implicitVariance":
      return blur(pmf, base.x, edges, sigma, shift);
    case "unbiased":
      return pmf;
  }
}

type Distance = (predicted: Float64Array) => number;

function familyPmf(base: BaseMeasure, alpha: number, gamma: number): Float64Array {
  return member(base, 1 / gamma, alpha / gamma).probabilities;
}

/**
 * Fits the model in ln alpha and ln gamma² / alpha, which hardly interact: one moves the scores,
 * the other spreads them.
 */
function fitModel(
  base: BaseMeasure,
  observed: Float64Array,
  distance: Distance,
  contained: readonly ExplanationFit[],
): ExplanationFit {
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
  const lowest = compassSearch(
    (at) => {
      const { alpha, gamma } = parametersAt(at);
      return distance(familyPmf(base, alpha, gamma));
    },
    starts.map(({ alpha, gamma }) => [Math.log(alpha), 2 * Math.log(gamma) - Math.log(alpha)]),
  );
  return toExplained(lowest, parametersAt);
}

/** Fits the model with alpha = 1. Its only parameter, gamma, is searched on a ladder first. */
function fitNeutral(base: BaseMeasure, distance: Distance): ExplanationFit {
  const risks = base.under.map((u, i) => u + item(base.over, i));
  const unit = Math.log(Math.max(...risks) - Math.min(...risks));
  const ladder = Array.from({ length: 14 }, (_, rung) => [unit - rung]);
  const lowest = compassSearch(
    ([lnGamma = NaN]) => distance(familyPmf(base, 1, Math.exp(lnGamma))),
    ladder,
  );
  return toExplained(lowest, ([lnGamma = NaN]) => ({ alpha: 1, gamma: Math.exp(lnGamma) }));
}

/** Fits alpha with tau fixed at the entropy of the true scores. */
function fitSameTau({ base, pmf }: TrueScores, distance: Distance): ExplanationFit {
  const tau = computeTau(base, pmf);
  const evaluationAt = (lnAlpha: number) => tryEvaluate(base, Math.exp(lnAlpha), tau);
  const lowest = compassSearch(
    ([lnAlpha = NaN]) => {
      const evaluation = evaluationAt(lnAlpha);
      return evaluation === undefined ? 1 : distance(evaluation.pmf);
    },
    [[0]],
  );
  return toExplained(lowest, ([lnAlpha = NaN]): Record<string, number> => {
    const gamma = evaluationAt(lnAlpha)?.gamma;
    return gamma === undefined ? {} : { alpha: Math.exp(lnAlpha), gamma };
  });
}

/** The entropy of true scores, in nats relative to the base measure. */
function computeTau({ logWeight }: BaseMeasure, pmf: Float64Array): number {
  return shannon(pmf) + item(logWeight, 0);
}

/** Evaluates a histogram; undefined if no gamma gives the entropy. */
function tryEvaluate(base: BaseMeasure, alpha: number, tau: number) {
  try {
    return evaluateHistogram(base, alpha, tau);
  } catch (error) {
    if (error instanceof ModelError) return undefined;
    throw error;
  }
}

/**
 * Fits x = beta·v + shift. The search rotates about the mean and moves in standard deviations. It
 * also tries the point with equal moments as a start.
 */
function fitMultiplicative(
  { base, pmf, edges }: TrueScores,
  observed: Float64Array,
  distance: Distance,
) {
  const [mean, sd] = computeMoments(base, pmf);
  const [observedMean, spread] = computeMoments(base, observed);
  const parametersAt = ([lnBeta = NaN, move = NaN]: readonly number[]) => {
    const beta = Math.exp(lnBeta);
    return { beta, shift: mean * (1 - beta) + move * sd };
  };
  const at = (point: readonly number[]) => {
    const { beta, shift } = parametersAt(point);
    return distance(scaleScores(pmf, edges, beta, shift));
  };
  const starts = [
    [0, 0],
    ...(spread > 0 ? [[Math.log(spread / sd), (observedMean - mean) / sd]] : []),
  ];
  return toExplained(compassSearch(at, starts), parametersAt);
}

/**
 * Fits x = v + shift + N(0, sigma²), searched in standard deviations of the true scores; sigma = 0
 * is no noise.
 */
function fitImplicitVariance(
  { base, pmf, edges }: TrueScores,
  observed: Float64Array,
  distance: Distance,
) {
  const [mean, sd] = computeMoments(base, pmf);
  const [observedMean, spread] = computeMoments(base, observed);
  const parametersAt = ([noise = NaN, move = NaN]: readonly number[]) => ({
    sigma: Math.abs(noise) * sd,
    shift: move * sd,
  });
  const at = (point: readonly number[]) => {
    const { sigma, shift } = parametersAt(point);
    return distance(blur(pmf, base.x, edges, sigma, shift));
  };
  const noise = Math.sqrt(Math.max(0, spread ** 2 - sd ** 2)) / sd;
  const starts = [
    [0, 0],
    [noise, (observedMean - mean) / sd],
  ];
  return toExplained(compassSearch(at, starts), parametersAt);
}

/** Computes the mean and the standard deviation. */
function computeMoments({ x }: BaseMeasure, pmf: Float64Array): [number, number] {
  const mean = pmf.reduce((total, p, i) => total + p * item(x, i), 0);
  const variance = pmf.reduce((total, p, i) => total + p * (item(x, i) - mean) ** 2, 0);
  return [mean, Math.sqrt(variance)];
}

function toExplained(
  { at, value }: Lowest,
  parametersAt: (at: readonly number[]) => ExplanationFit["parameters"],
): ExplanationFit {
  return { variation: value, parameters: parametersAt(at) };
}
