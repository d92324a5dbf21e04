import { at, type Stream } from "@fedclair/linalg";
import type { Density } from "./densities.js";
import { evaluateDensity, truthOf, type Evaluation } from "./evaluate-density.js";
import type { Evaluator } from "./interventions.js";
import type { Loss } from "./losses.js";

/** Cells of the table that scores are drawn from; each of constant density. */
const cells = 4096;

/** Makes biased scores: of simulated people, or of the clients of a federation that a scheduler chooses among. */
export interface BiasedEvaluator {
  readonly evaluation: Evaluation;
  /** The observed score of somebody with the true score v: the same rank in the other law. */
  readonly observe: (v: number) => number;
  /** Observed scores of `n` people drawn from the truth. */
  readonly sample: (n: number, rng: Stream) => Float64Array;
}

/** @throws ModelError as `evaluateDensity` does */
export function biasedEvaluator(
  density: Density,
  loss: Loss,
  { alpha, tau }: Evaluator,
): BiasedEvaluator {
  const evaluation = evaluateDensity(density, loss, alpha, tau);
  const laws = once(() => ({ truth: truthOf(density), observed: evaluation.distribution() }));
  const draw = once(() => sampler(evaluation.pdf, evaluation.range));
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

/** The inverse of a law's distribution function from a table: exact inversion costs a hundred times as much. */
function sampler(
  pdf: (x: number) => number,
  [lo, hi]: readonly [number, number],
): (u: number) => number {
  const width = (hi - lo) / cells;
  const below = new Float64Array(cells + 1);
  for (let i = 0; i < cells; i++) below[i + 1] = at(below, i) + pdf(lo + (i + 0.5) * width);
  const total = at(below, cells);
  return (u) => {
    const wanted = u * total;
    let first = 0;
    let last = cells;
    while (last - first > 1) {
      const middle = (first + last) >> 1;
      if (at(below, middle) <= wanted) first = middle;
      else last = middle;
    }
    const start = at(below, first);
    return lo + (first + (wanted - start) / (at(below, first + 1) - start)) * width;
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
