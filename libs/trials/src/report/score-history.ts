import { alarm, ink, truthColours } from "./figure-style.js";
import { quantile } from "./numbers.js";
import { truthEncoding } from "./score-panels.js";
import type { ScoreAxis, ScorePoint } from "./score-points.js";

/** Over rounds: median and 10–90 % of the scores of each truth, the threshold, and every mistake. */
export function scoresOverRounds(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  { type, domain }: ScoreAxis,
  width: number,
): object {
  const rounds = [...new Set(points.map(({ round }) => round))];
  const scored = points.filter(({ score }) => score !== null);
  const at = (value: number) => Math.max(value, domain[0]);
  const spread = rounds.flatMap((round) =>
    ["benign", ...attacks].flatMap((truth) => {
      const scores = scored.flatMap((p) =>
        p.round === round && p.truth === truth ? (p.score ?? []) : [],
      );
      if (scores.length === 0) return [];
      const [low, middle, high] = [0.1, 0.5, 0.9].map((q) => at(quantile(scores, q)));
      return [{ round, truth, low, middle, high }];
    }),
  );
  const thresholds = rounds.map((round) => {
    return { round, threshold: points.find((p) => p.round === round)?.threshold ?? null };
  });
  const mistakes = scored
    .filter(({ mistake }) => mistake !== "")
    .map(({ round, truth, flagged, score }) => ({ round, truth, flagged, at: at(score ?? 0) }));
  const y = { type: "quantitative", title: "score", scale: { type, domain, nice: false } };
  const colour = { field: "truth", type: "nominal", scale: truthColours(attacks) };
  return {
    width: width - 60,
    height: 260,
    encoding: {
      x: {
        field: "round",
        type: "quantitative",
        title: "round",
        axis: { tickMinStep: 1, grid: false },
        scale: { domain: [rounds[0], rounds.at(-1)], nice: false },
      },
    },
    layer: [
      {
        data: { values: spread },
        mark: { type: "area", opacity: 0.2 },
        encoding: {
          y: {
            ...y,
            field: "low",
            axis: { grid: true, gridDash: [1, 3], tickCount: 5, format: "~g" },
          },
          y2: { field: "high" },
          fill: { ...colour, legend: null },
        },
      },
      {
        data: { values: spread },
        mark: { type: "line", strokeWidth: 1.5, point: rounds.length === 1 },
        encoding: { y: { ...y, field: "middle" }, stroke: { ...colour, legend: null } },
      },
      {
        data: { values: thresholds },
        mark: { type: "line", color: ink, strokeDash: [5, 3], strokeWidth: 1 },
        encoding: { y: { ...y, field: "threshold" } },
      },
      {
        data: { values: mistakes },
        mark: { type: "point", size: 40, strokeWidth: 1.4, opacity: 1 },
        encoding: { y: { ...y, field: "at" }, ...truthEncoding(attacks) },
      },
      {
        data: { values: mistakes },
        mark: {
          type: "point",
          shape: "circle",
          size: 150,
          color: alarm,
          strokeWidth: 1.5,
          opacity: 0.8,
        },
        encoding: { y: { ...y, field: "at" } },
      },
    ],
  };
}
