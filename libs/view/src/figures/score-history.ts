import { quantile } from "@fedclair/linalg";
import { formatNumber } from "@fedclair/runs";
import { axisTicks, roundAxis, type Axis } from "./axis.js";
import { alarm, inkColour, truthColours, truthShapes } from "./figure-style.js";
import { groupBy } from "./group-by.js";
import { thinPoints, type ScorePoint } from "./score-points.js";

/** Maximum number of mistakes drawn per round, truth and verdict, and in all rounds together. */
const maxMistakes = { perRound: 10, inAll: 600 };

/**
 * The median and 10–90 % range of the scores of each truth over rounds, with the threshold and the
 * mistakes.
 */
export function scoresOverRounds(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  axis: Axis,
  figureWidth: number,
): object {
  const { type, domain } = axis;
  const spreads = computeSpreads(points);
  const rounds = [...new Map(points.map(({ round, threshold }) => [round, threshold]))];
  const at = (value: number) => Math.max(value, domain[0]);
  const mistakes = thinPoints(
    points.filter(({ mistake }) => mistake !== ""),
    Math.max(2, Math.min(maxMistakes.perRound, Math.floor(maxMistakes.inAll / rounds.length))),
  );
  const y = {
    type: "quantitative",
    title: "score",
    scale: { type, domain, nice: false },
    axis: { grid: true, gridDash: [1, 3], ...axisTicks(axis) },
  };
  const color = { field: "truth", type: "nominal", scale: truthColours(attacks) };
  return {
    width: figureWidth - 110,
    height: 260,
    encoding: {
      x: { field: "round", ...roundAxis(rounds.map(([round]) => round)) },
    },
    layer: [
      {
        data: {
          values: spreads.map((s) => ({ ...s, low: at(s.low), high: at(s.high) })),
        },
        mark: { type: "area", opacity: 0.2, aria: false },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" }, color },
      },
      {
        data: {
          values: spreads.map((s) => ({ ...s, middle: at(s.middle) })),
        },
        mark: { type: "line", strokeWidth: 1.5 },
        encoding: { y: { ...y, field: "middle" }, color, description: { field: "about" } },
      },
      {
        data: { values: rounds.map(([round, threshold]) => ({ round, threshold })) },
        mark: { type: "line", color: inkColour, strokeDash: [5, 3], strokeWidth: 1, aria: false },
        encoding: { y: { ...y, field: "threshold" } },
      },
      {
        data: {
          values: mistakes.map(({ round, client, truth, score, about }) => {
            return { round, client, truth, score, at: at(score ?? 0), about };
          }),
        },
        encoding: { y: { ...y, field: "at" } },
        layer: [
          {
            mark: { type: "point", size: 40, strokeWidth: 1.4, opacity: 1 },
            encoding: {
              color,
              description: { field: "about" },
              shape: { field: "truth", type: "nominal", scale: truthShapes(attacks) },
            },
          },
          {
            mark: {
              type: "point",
              shape: "circle",
              size: 150,
              color: alarm,
              opacity: 0.8,
              aria: false,
            },
          },
        ],
      },
    ],
  };
}

/** The median and 10–90 % range of the scores, by round and truth. */
function computeSpreads(points: readonly ScorePoint[]) {
  return groupBy(points, ({ round, truth }) => [round, truth]).flatMap((group) => {
    const [{ round, truth }] = group;
    const scores = group.flatMap(({ score }) => score ?? []);
    if (scores.length === 0) return [];
    const [low = NaN, middle = NaN, high = NaN] = [0.1, 0.5, 0.9].map((q) => quantile(scores, q));
    const about = `${truth}, round ${round}: median score ${formatNumber(middle)}`;
    return [{ round, truth, low, middle, high, about }];
  });
}
