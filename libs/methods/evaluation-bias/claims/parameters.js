// What the two parameters of the model do to the mean and the variance of observed scores. Nothing
// is random here: the model is solved for each pair of parameters.
import { exponential, gaussian, pareto } from "../dist/src/model/densities.js";
import { evaluateDensity } from "../dist/src/model/evaluate-density.js";
import { linePanel, number, row, series } from "../../../../studies/papers/figures.js";

const gaussianEntropy = Math.log(2 * Math.PI * Math.E) / 2;

/** Laws of true scores with their loss and entropy in nats. */
const laws = {
  "N(0, 1), squared loss": { density: gaussian(0, 1), loss: "squared", entropy: gaussianEntropy },
  "Pareto(3), log loss": { density: pareto(3), loss: "log", entropy: 4 / 3 - Math.log(3) },
  "exponential(1), linear loss": { density: exponential(1), loss: "linear", entropy: 1 },
};
const alphas = [1, 2, 4, 8];
/** tau minus the entropy of the true scores. */
const distances = [-0.5, 0, 0.5];

/** Mean and variance against alpha, one line per tau, for normal true scores. */
export function drawParameters() {
  const { density, loss, entropy } = laws["N(0, 1), squared loss"];
  const values = distances.flatMap((distance) =>
    Array.from({ length: 15 }, (_, k) => 1 + k / 2).map((alpha) => {
      const { mean, variance } = evaluateDensity(density, loss, alpha, entropy + distance);
      return { tau: nameTau(distance), alpha, mean, variance };
    }),
  );
  const panel = (quantity, axis) =>
    linePanel("", values, {
      x: number("alpha", "risk-averseness α"),
      y: number(quantity, `${quantity} of observed scores`, axis),
      color: series("tau", distances.map(nameTau)),
    });
  const logarithmic = { scale: { type: "log", domain: [0.2, 5] }, values: [0.2, 0.5, 1, 2, 5] };
  return row(panel("mean", {}), panel("variance", logarithmic));
}

/** Rows of the law, tau, and `mean / variance` for each alpha. */
export function listParameterRows() {
  return Object.entries(laws).flatMap(([name, { density, loss, entropy }]) =>
    distances.map((distance, k) => [
      k === 0 ? name : "",
      nameTau(distance),
      ...alphas.map((alpha) => {
        const { mean, variance } = evaluateDensity(density, loss, alpha, entropy + distance);
        return `${mean.toFixed(3).replace("-0.000", "0.000")} / ${variance.toFixed(3)}`;
      }),
    ]),
  );
}

export const parameterColumns = ["true scores", "τ", ...alphas.map((alpha) => `α = ${alpha}`)];

const nameTau = (distance) =>
  distance === 0 ? "entropy" : `entropy ${distance < 0 ? "−" : "+"} ${Math.abs(distance)}`;
