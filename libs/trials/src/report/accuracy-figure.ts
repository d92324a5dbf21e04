import type { TopLevelSpec } from "vega-lite";
import { armColours, armDashes, figureConfig, figureWidth } from "./figure-style.js";
import { mean, quantile } from "./numbers.js";
import type { Run } from "./run.js";

/** Up to so many rounds arms stand side by side; beyond, they are lines with bands. */
const maxSteps = 6;

/** A panel a metric: the benign clients' mean and 10–90 % over rounds, for every arm. Undefined without evaluation. */
export function accuracyFigure(run: Run): TopLevelSpec | undefined {
  const values = spreads(run);
  const metrics = [...new Set(values.map(({ metric }) => metric))];
  if (metrics.length === 0) return undefined;
  const labels = run.arms.map(({ label }) => label);
  const steps = Math.max(...values.map(({ round }) => round)) <= maxSteps;
  const columns = Math.min(metrics.length, 3);
  const colour = { field: "arm", type: "nominal", scale: armColours(labels) };
  const dash = { field: "arm", type: "nominal", scale: armDashes(labels) };
  const y = { type: "quantitative", title: null, scale: { zero: false } };
  const x = steps
    ? { field: "round", type: "ordinal", title: "round", axis: { labelAngle: 0 } }
    : {
        field: "round",
        type: "quantitative",
        title: "round",
        axis: { tickMinStep: 1, grid: false },
      };
  const side = steps ? { xOffset: { field: "arm", scale: { domain: labels } } } : {};
  const spread = {
    mark: steps
      ? { type: "rule", strokeWidth: 1.2, opacity: 0.7 }
      : { type: "area", opacity: 0.12 },
    encoding: {
      y: { ...y, field: "low" },
      y2: { field: "high" },
      ...(steps ? { color: { ...colour, legend: null } } : { fill: { ...colour, legend: null } }),
    },
  };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    data: { values },
    facet: { field: "metric", sort: metrics, header: { labelAnchor: "start" } },
    columns,
    spec: {
      width: Math.min(420, Math.floor(figureWidth / columns) - 60),
      height: 200,
      encoding: { x, ...side },
      layer: [
        spread,
        {
          mark: { type: "line", strokeWidth: 1.6, point: steps && { size: 34, filled: true } },
          encoding: { y: { ...y, field: "mean" }, color: colour, strokeDash: dash },
        },
      ],
    },
    resolve: { scale: { y: "independent" } },
  } as TopLevelSpec;
}

function spreads({ arms, records }: Run) {
  return arms.flatMap(({ label }) =>
    records
      .filter(({ arm }) => arm === label)
      .flatMap(({ round, clients }) => {
        const evaluations = clients.flatMap(({ attack, evaluation }) =>
          attack === null && evaluation ? [evaluation] : [],
        );
        const metrics = new Set(evaluations.flatMap((evaluation) => Object.keys(evaluation)));
        return [...metrics].map((metric) => {
          const measured = evaluations.flatMap((evaluation) => evaluation[metric] ?? []);
          return {
            arm: label,
            round,
            metric,
            mean: mean(measured),
            low: quantile(measured, 0.1),
            high: quantile(measured, 0.9),
          };
        });
      }),
  );
}
