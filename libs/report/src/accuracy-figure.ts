import { strokeLegend } from "@fedclair/core";
import { quantile } from "@fedclair/linalg";
import { mean } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { axisTicks, betterEnd, errorAxis } from "./axis.js";
import { armColours, armDashes, figureConfig, figureWidth } from "./figure-style.js";
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
  const x = steps
    ? { type: "ordinal", axis: { labelAngle: 0 } }
    : {
        type: "quantitative",
        axis: { tickMinStep: 1, grid: false },
        scale: { nice: false, zero: false },
      };
  const yOf = (metric: string) => {
    const own = values.filter((value) => value.metric === metric);
    const axis = errorAxis(
      metric,
      own.flatMap(({ low, mean, high }) => [low, mean, high]),
    );
    const end = betterEnd(metric);
    return {
      type: "quantitative",
      title: end === undefined ? metric : `${metric} (${end}er is better)`,
      scale: axis ? { type: axis.type, domain: axis.domain, nice: false } : { zero: false },
      ...(axis && { axis: axisTicks(axis) }),
    };
  };
  const panel = (metric: string) => ({
    transform: [{ filter: { field: "metric", equal: metric } }],
    width: Math.min(420, Math.floor(figureWidth / columns) - 64),
    height: 200,
    encoding: {
      x: { field: "round", title: "round", ...x },
      ...(steps && { xOffset: { field: "arm", scale: { domain: labels } } }),
      color: {
        field: "arm",
        type: "nominal",
        scale: armColours(labels),
        legend: strokeLegend,
      },
    },
    layer: [
      {
        mark: steps
          ? { type: "rule", strokeWidth: 1.2, opacity: 0.7 }
          : { type: "area", opacity: 0.12 },
        encoding: { y: { ...yOf(metric), field: "low" }, y2: { field: "high" } },
      },
      {
        mark: { type: "line", strokeWidth: 1.6, point: steps && { size: 34, filled: true } },
        encoding: {
          y: { ...yOf(metric), field: "mean" },
          strokeDash: { field: "arm", type: "nominal", scale: armDashes(labels) },
        },
      },
    ],
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    data: { values },
    concat: metrics.map(panel),
    columns,
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
