import { at, type Stream } from "@fedclair/linalg";
import type { Density } from "./densities.js";
import { evaluateDensity, createTruth, type Evaluation } from "./evaluate-density.js";
import type { Evaluator } from "./interventions.js";
import type { Loss } from "./losses.js";

/** Number of cells of constant density in the table that scores are drawn from. */
const cells = 4096;

/**
 * A source of biased scores, either of simulated people or of clients among which a scheduler
 * chooses.
 */
export interface BiasedEvaluator {
  readonly evaluation: Evaluation;
  /** Converts a true score v into the observed score with the same rank. */
  readonly observe: (v: number) => number;
  /** Draws observed scores of `n` people. */
  readonly sample: (n: number, rng: Stream) => Float64Array;
}

/**
 * Creates an evaluator with the given parameters.
 * @throws ModelError as `evaluateDensity` does
 */
export function createBiasedEvaluator(
  density: Density,
  loss: Loss,
  { alpha, tau }: Evaluator,
): BiasedEvaluator {
  const evaluation = evaluateDensity(density, loss, alpha, tau);
  const laws = once(() => ({ truth: createTruth(density), observed: evaluation.distribution() }));
  const draw = once(() => createSampler(evaluation.pdf, evaluation.range));
  return {
    evaluation,
    observe(v) {
      const { truth, observed } = laws();
      return observed.threshold(truth.survival(v));
    },
    sample(n, rng) {
      const quantile = draw();
      return Float64Array.from({ length: n }, () => quantile(rng.uniform()));
    },
  };
}

/**
 * Creates the inverse of a distribution function, from a table. Exact inversion takes a hundred
 * times as long.
 */
function createSampler(
  pdf: (x: number) => number,
  [lo, hi]: readonly [number, number],
): (u: number) => number {
  const width = (hi - lo) / cells;
  const below = new Float64Array(cells + 1);
  for (let i = 0; i < cells; i++) below[i + 1] = at(below, i) + pdf(lo + (i + 0.5) * width);
  const total = at(below, cells);
  return (u) => {
    const target = u * total;
    let first = 0;
    let last = cells;
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if (at(below, middle) <= target) first = middle;
      else last = middle;
    }
    const start = at(below, first);
    return lo + (first + (target - start) / (at(below, first + 1) - start)) * width;
  };
}

function once<T>(make: () => T): () => T {
  let cached: { readonly value: T } | undefined;
  return () => (cached ??= { value: make() }).value;
}
