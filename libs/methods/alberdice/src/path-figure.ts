import type { FigureInput, TaskFigure } from "@fedclair/core";
import { bridgeCells, bridgeGoal } from "./bridge.js";
import { selectArtifacts, type PlayArtifact } from "./artifacts.js";

/** Colours of the two agents; none of them marks clients as benign or contaminated. */
const agentColours = ["#0072b2", "#cc79a7"];

/** Draws the agents' paths on a map of the bridge, one panel per arm. */
export function pathFigure(input: FigureInput): TaskFigure[] {
  const { arms, width } = input;
  const panels = arms.flatMap(({ label }) => {
    const last = selectArtifacts<PlayArtifact>(input, "play", label).at(-1);
    const path = last?.value.path;
    return last && path ? [{ ...last, path }] : [];
  });
  if (panels.length === 0) return [];
  const cell = Math.min(44, Math.floor((width / Math.min(panels.length, 2) - 40) / 6));
  const axes = {
    x: {
      field: "column",
      type: "quantitative",
      axis: null,
      scale: { domain: [-0.5, 5.5], nice: false },
    },
    y: {
      field: "row",
      type: "quantitative",
      axis: null,
      scale: { domain: [2.5, -0.5], nice: false },
    },
  };
  const cells = bridgeCells.map(([row, column]) => ({ row, column }));
  const agent = {
    field: "agent",
    type: "nominal",
    scale: { domain: ["agent 0", "agent 1"], range: agentColours },
  };
  const goals = bridgeGoal.map((position, i) => {
    const [row, column] = bridgeCells[position] ?? [];
    return { row, column, agent: `agent ${i}` };
  });
  return [
    {
      name: "paths",
      title: "Paths on the bridge",
      caption:
        "Cells that the agents visit if they always take their likeliest joint action. The number of steps marks their last cells, squares mark goals, hollow points mark starts. One agent has to back off to let the other pass.",
      spec: {
        columns: 2,
        concat: panels.map(({ arm, round, value, path }, panel) => ({
          title: `${arm}, round ${round}: return ${(value.metrics.return ?? NaN).toFixed(3)}`,
          width: 6 * cell,
          height: 3 * cell,
          view: { fill: "#bbbbbb" },
          encoding: axes,
          layer: [
            {
              data: { values: cells },
              mark: { type: "square", size: (cell - 2) ** 2, color: "white", opacity: 1 },
            },
            {
              data: { values: goals },
              mark: { type: "square", size: (cell - 14) ** 2, opacity: 0.25 },
              encoding: { color: agent },
            },
            {
              name: `moving${panel}`,
              data: { values: listSteps(path) },
              mark: { type: "line", strokeWidth: 2.5, opacity: 0.85, interpolate: "linear" },
              encoding: { color: agent, order: { field: "step" } },
            },
            {
              data: { values: listSteps(path).filter(({ step }) => step === 0) },
              mark: { type: "point", size: 70, filled: false, strokeWidth: 2 },
              encoding: { color: agent },
            },
            {
              name: `arrival${panel}`,
              data: { values: listSteps(path).filter(({ step }) => step === path.length - 1) },
              mark: { type: "text", dx: cell / 4, dy: cell / 6, fontWeight: "bold" },
              encoding: { color: agent, text: { field: "step" } },
            },
          ],
        })),
      },
      moves: "step",
    },
  ];
}

/**
 * Lists the places on the map by step and agent, shifted slightly off the cell's centre so that the
 * two lines do not overlap.
 */
function listSteps(path: NonNullable<PlayArtifact["path"]>) {
  return path.flatMap((places, step) =>
    places.map(([row, column], i) => ({
      row: row + 0.2 * (i - 0.5),
      column: column + 0.2 * (i - 0.5),
      step,
      agent: `agent ${i}`,
    })),
  );
}
