import type { FigureInput, TaskFigure, TaskFigures } from "@fedclair/core";
import {
  selectArtifacts,
  type PlayArtifact,
  type ScreenArtifact,
  type FigureArtifact,
} from "./artifacts.js";
import { actionOf } from "./dataset.js";
import { pathFigure } from "./path-figure.js";

const grey = "#777777";
const orange = "#d55e00";
const bridgeActionNames = ["stay", "up", "down", "right", "left"];
const heatPanels = 4;

/**
 * Draws the joint policies and returns over the alternation, the paths on the bridge, and the
 * scores of the direction screen.
 */
export const figures: TaskFigures = (input) => [
  ...jointFigure(input),
  ...returnFigure(input),
  ...pathFigure(input),
  ...screenFigure(input),
];

/** Draws one heat map per arm and round of the joint policy in the first state. */
function jointFigure(input: FigureInput): TaskFigure[] {
  const { arms, width } = input;
  const plays = arms.map(({ label }) => selectArtifacts<PlayArtifact>(input, "play", label));
  const others = plays.flat()[0]?.value.others;
  // Columns for every combination of several agents' actions need room.
  const panels = others === undefined ? heatPanels : heatPanels / 2;
  const rows = plays.flatMap((rounds) => (rounds.length === 0 ? [] : [pickEvenly(rounds, panels)]));
  if (rows.length === 0) return [];
  const height = Math.min(150, Math.floor(width / heatPanels) - 70);
  const room = Math.floor(width / panels) - 70;
  const panel = ({ arm, round, value }: FigureArtifact<PlayArtifact>) => ({
    title: `${arm}, round ${round}`,
    width: others === undefined ? height : room,
    height,
    data: {
      values: value.joint.flatMap((probabilities, a) =>
        probabilities.map((p, b) => ({
          first: actionName(input, a),
          second: othersName(input, b, value.others),
          p,
        })),
      ),
    },
    mark: { type: "rect", stroke: "white" },
    encoding: {
      x: {
        field: "second",
        type: "nominal",
        sort: null,
        title: others === undefined ? "agent 1" : `agents 1 to ${others.length}`,
        axis: { labelAngle: 0 },
      },
      y: { field: "first", type: "nominal", sort: null, title: "agent 0" },
      color: {
        field: "p",
        type: "quantitative",
        title: "probability",
        scale: { domain: [0, 1], range: ["#f4f4f4", "#08306b"] },
      },
    },
  });
  return [
    {
      name: "joint-policy",
      title: "Joint policy",
      caption:
        "Joint policy in the state where an episode starts, over the rounds. One dark cell: the agents agree on one joint action. Several dark cells: a mixture, which may contain combinations that never occur in the data.",
      spec: { vconcat: rows.map((row) => ({ hconcat: row.map(panel) })) },
    },
  ];
}

/** Draws returns over rounds. In each round one agent has its turn. */
function returnFigure(input: FigureInput): TaskFigure[] {
  const { arms, width } = input;
  const values = arms.flatMap(({ label }) =>
    selectArtifacts<PlayArtifact>(input, "play", label).map(({ arm, round, value }) => ({
      arm,
      round,
      return: value.metrics.return,
      best: value.best,
    })),
  );
  const [first] = values;
  if (first === undefined || new Set(values.map(({ round }) => round)).size < 2) return [];
  return [
    {
      name: "return",
      title: "Return over the alternation",
      caption: `${input.task["source"] === undefined ? "Exact expected return" : "Expected return in the model of the recorded play"} of the pooled policies after each agent's turn. Dashed: ${first.best.toFixed(4)}, the best return of any policies.`,
      spec: {
        width: Math.min(520, width - 120),
        height: 220,
        layer: [
          {
            data: { values },
            mark: { type: "line", point: { size: 30 }, strokeWidth: 1.6 },
            encoding: {
              x: {
                field: "round",
                type: "quantitative",
                axis: { tickMinStep: 1, grid: false },
                scale: { zero: false, nice: false },
              },
              y: { field: "return", type: "quantitative", scale: { zero: false } },
              color: {
                field: "arm",
                type: "nominal",
                scale: { domain: arms.map((a) => a.label), range: arms.map((a) => a.colour) },
              },
            },
          },
          {
            data: { values: [{ best: first.best }] },
            mark: { type: "rule", strokeDash: [4, 3], color: grey },
            encoding: { y: { field: "best", type: "quantitative", title: "return" } },
          },
        ],
      },
    },
  ];
}

/** Draws each client's median cosine with the others, by round. */
function screenFigure(input: FigureInput): TaskFigure[] {
  const [arm] = input.arms;
  const screens = arm ? selectArtifacts<ScreenArtifact>(input, "screen", arm.label) : [];
  const values = screens.flatMap(({ round, value }) =>
    Object.entries(value).map(([client, cosine]) => ({
      client,
      round,
      cosine,
      screen: cosine <= 0 ? "dropped" : "passed",
    })),
  );
  if (values.length === 0) return [];
  return [
    {
      name: "directions",
      title: "Direction screen",
      caption:
        "Median cosine of each client's answer with those of the others, for all clients and rounds. A reversed answer lies in the space that benign clients share, where CLAIR cannot detect it. The screen drops answers at or below 0 (dashed), whatever the aggregator reports.",
      spec: {
        width: Math.min(520, input.width - 120),
        height: 200,
        layer: [
          {
            data: { values },
            mark: { type: "point", filled: true, size: 28, opacity: 0.7 },
            encoding: {
              x: {
                field: "round",
                type: "quantitative",
                axis: { tickMinStep: 1, grid: false },
                scale: { zero: false, nice: false },
              },
              y: {
                field: "cosine",
                type: "quantitative",
                title: "median cosine",
                scale: { domain: [-1, 1] },
              },
              color: {
                field: "screen",
                type: "nominal",
                scale: { domain: ["passed", "dropped"], range: [grey, orange] },
              },
            },
          },
          {
            data: { values: [{ zero: 0 }] },
            mark: { type: "rule", strokeDash: [4, 3], color: grey },
            encoding: { y: { field: "zero", type: "quantitative" } },
          },
        ],
      },
    },
  ];
}

/**
 * Formats a joint action of all agents except the first as the names of their actions in a row.
 * @param others number of actions of each, undefined for one agent
 */
function othersName(input: FigureInput, column: number, others?: readonly number[]): string {
  if (others === undefined) return actionName(input, column);
  const shape = { states: 1, actions: others };
  return others.map((_, i) => actionName(input, actionOf(column, i, shape))).join("");
}

function actionName({ task }: FigureInput, action: number): string {
  const { environment, source } = task;
  const isBridge =
    source === undefined &&
    typeof environment === "object" &&
    environment !== null &&
    "name" in environment &&
    environment.name === "bridge";
  if (isBridge) return bridgeActionNames[action] ?? String(action);
  return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[action] ?? `(${action})`;
}

/** Picks at most `count` evenly spread items, including the last one. */
function pickEvenly<T>(items: readonly T[], count: number): T[] {
  const last = items.length - 1;
  const steps = Math.min(count, items.length) - 1;
  const picks = Array.from({ length: steps + 1 }, (_, k) =>
    steps === 0 ? last : Math.round((k * last) / steps),
  );
  return picks.flatMap((index) => items.slice(index, index + 1));
}
