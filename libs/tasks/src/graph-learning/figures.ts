import { strokeLegend, type FigureInput, type TaskFigure } from "@fedclair/core";
import { lineLayer } from "../line-layers.js";
import { trueGraph } from "./client.js";
import { edgeMatch, thresholds } from "./edges.js";
import type { Learned } from "./learn.js";
import { schema, type Options } from "./options.js";
import { packStrict, pairs } from "./packing.js";

/** A panel: the true graph, or the one that an arm learned last. */
interface Panel {
  readonly title: string;
  readonly weights: readonly number[];
}

const right = "#0072b2";
const missed = "#e69f00";
const wrong = "#c00000";
const columns = 4;

/** The true graph against the learned ones: as networks, as matrices, and F over the threshold of edges. */
export function figures(input: FigureInput): readonly TaskFigure[] {
  const options = optionsOf(input);
  const truth = [...packStrict(trueGraph(options))];
  const arms = input.arms.flatMap(({ label, colour }) => {
    const learned = lastLearned(input, label);
    return learned ? [{ label, colour, ...learned }] : [];
  });
  const panels = [
    { title: "true graph", weights: truth },
    ...arms.map((arm) => ({ title: titleOf(arm, truth, options), weights: arm.weights ?? [] })),
  ];
  const width = Math.floor(input.width / columns) - 24;
  return [
    {
      name: "graphs",
      title: "The true graph and the learned ones",
      caption: `Pairs with more than ${options.threshold} of the largest weight are edges; nodes in the same places.`,
      spec: inRows(panels.map((panel) => network(panel, truth, options, width))),
    },
    {
      name: "weights",
      title: "Weights of all pairs",
      caption: "Row and column: nodes. Each matrix over its largest weight.",
      spec: inRows(panels.map((panel) => matrix(panel, options, width))),
    },
    {
      name: "f-over-threshold",
      title: "F over the threshold of edges",
      caption:
        "F = 2·precision·recall/(precision + recall). The wider the plateau at the top, the clearer the edges stand out. Dashed: the trial's threshold.",
      spec: curve(arms, truth, options, input.width),
    },
  ];
}

function optionsOf({ task }: FigureInput): Options {
  const given = Object.entries(task).filter(([key]) => key !== "name");
  return schema.parse(Object.fromEntries(given));
}

function lastLearned({ artifacts }: FigureInput, arm: string): Learned | undefined {
  const shown = artifacts.filter((e) => e.arm === arm && e.name === "learned").at(-1);
  return shown?.value as Learned | undefined;
}

function titleOf(
  { label, outcome, weights }: Learned & { readonly label: string },
  truth: readonly number[],
  { threshold }: Options,
): string {
  const note = outcome === "solved" ? "" : ` · ${outcome}`;
  if (!weights) return label + note;
  return `${label} · F ${edgeMatch(weights, truth, threshold).f.toFixed(2)}${note}`;
}

function inRows(concat: readonly object[]): object {
  return { concat, columns, spacing: { row: 44, column: 20 }, bounds: "flush" };
}

/** Nodes on a circle, the edges between them by whether they are true. */
function network(
  { title, weights }: Panel,
  truth: readonly number[],
  options: Options,
  width: number,
): object {
  const least = options.threshold * Math.max(...weights);
  const place = (node: number) => {
    const angle = (2 * Math.PI * node) / options.nodes;
    return { x: Math.sin(angle), y: Math.cos(angle) };
  };
  const edges = [...pairs(options.nodes, 1)].flatMap(([i, j], at) => {
    const found = (weights[at] ?? 0) > least;
    const isTrue = truth[at] === 1;
    if (!found && !isTrue) return [];
    const edge = found ? (isTrue ? "right" : "false") : "missed";
    const [from, to] = [place(i), place(j)];
    return [{ edge, ...from, x2: to.x, y2: to.y }];
  });
  const nodes = Array.from({ length: options.nodes }, (_, node) => ({ node, ...place(node) }));
  const axis = { type: "quantitative", scale: { domain: [-1.1, 1.1] }, axis: null };
  const position = { x: { field: "x", ...axis }, y: { field: "y", ...axis } };
  return {
    title,
    width,
    height: width,
    layer: [
      {
        data: { values: edges },
        mark: { type: "rule", strokeWidth: 1.3 },
        encoding: {
          ...position,
          x2: { field: "x2" },
          y2: { field: "y2" },
          color: {
            field: "edge",
            type: "nominal",
            scale: { domain: ["right", "missed", "false"], range: [right, missed, wrong] },
            legend: strokeLegend,
          },
          strokeDash: {
            field: "edge",
            type: "nominal",
            scale: { domain: ["right", "missed", "false"], range: [[], [4, 3], []] },
          },
        },
      },
      {
        data: { values: nodes },
        mark: { type: "circle", size: 46, color: "#777777", opacity: 1 },
        encoding: position,
      },
    ],
  };
}

/** The weights as a heat map, both triangles. */
function matrix({ title, weights }: Panel, { nodes }: Options, width: number): object {
  const largest = Math.max(...weights);
  const values = [...pairs(nodes, 1)].flatMap(([i, j], at) => {
    const weight = (weights[at] ?? 0) / largest;
    return [
      { i, j, weight },
      { i: j, j: i, weight },
    ];
  });
  const axis = {
    type: "ordinal",
    title: "node",
    axis: { labels: false, ticks: false, domain: false, titlePadding: 2 },
    scale: { domain: [...Array(nodes).keys()] },
  };
  return {
    title,
    width,
    height: width,
    data: { values },
    mark: "rect",
    encoding: {
      x: { field: "j", ...axis },
      y: { field: "i", ...axis },
      color: {
        field: "weight",
        type: "quantitative",
        title: "weight",
        scale: { domain: [0, 1], range: ["#f4f4f4", "#08306b"] },
      },
    },
  };
}

function curve(
  arms: readonly (Learned & { readonly label: string; readonly colour: string })[],
  truth: readonly number[],
  { threshold }: Options,
  width: number,
): object {
  const lines = arms.flatMap(({ label, colour, weights }) => {
    if (!weights) return [];
    const points = thresholds.map((x) => ({ x, y: edgeMatch(weights, truth, x).f }));
    return [{ label, colour, points }];
  });
  return {
    width: Math.min(520, width - 60),
    height: 240,
    layer: [
      lineLayer(
        lines,
        { title: "threshold, of the largest weight" },
        { title: "F (higher is better)", scale: { domain: [0, 1] } },
      ),
      {
        data: { values: [{ threshold }] },
        mark: { type: "rule", strokeDash: [5, 3], color: "#666666" },
        encoding: { x: { field: "threshold", type: "quantitative" } },
      },
    ],
  };
}
