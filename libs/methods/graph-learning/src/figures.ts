import { strokeLegend, type FigureInput, type TaskFigure } from "@fedclair/core";
import { lineLayer } from "@fedclair/tasks/shared";
import { stream } from "@fedclair/linalg";
import { matchEdges, thresholds } from "./edges.js";
import { drawGraph } from "./graphs.js";
import type { Learned } from "./learn.js";
import { schema, type Options } from "./options.js";
import { packStrict, listPairs } from "./packing.js";

/** A panel with the true graph, or with the last graph of an arm. */
interface Panel {
  readonly title: string;
  readonly weights: readonly number[];
}

const right = "#0072b2";
const missed = "#e69f00";
const wrong = "#c00000";
const columns = 4;

/**
 * Draws the learned graphs beside the true one, if it is known: as networks, as matrices, and by F
 * over the threshold of edges.
 */
export function figures(input: FigureInput): readonly TaskFigure[] {
  const options = parseOptions(input);
  const arms = input.arms.flatMap(({ label, colour }) => {
    const learned = findLastGraph(input, label);
    return learned ? [{ label, colour, ...learned }] : [];
  });
  const truth = arms.find((arm) => arm.truth)?.truth ?? drawTruth(options);
  const panels = [
    ...(truth ? [{ title: "true graph", weights: truth }] : []),
    ...arms.map((arm) => ({ title: formatTitle(arm, truth, options), weights: arm.weights ?? [] })),
  ];
  const names = arms.find((arm) => arm.names)?.names;
  const nodes = names?.length ?? options.nodes;
  const width = Math.floor(input.width / columns) - 24;
  return [
    {
      name: "graphs",
      title: truth ? "The true graph and the learned graphs" : "The learned graphs",
      caption: `Pairs with more than ${options.threshold} of the largest weight are edges. Nodes have the same places in all panels${names ? ": clockwise from the top, in the order of the data" : ""}.`,
      spec: arrangeInRows(panels.map((panel) => drawNetwork(panel, truth, options, nodes, width))),
    },
    {
      name: "weights",
      title: "Weights of all pairs",
      caption: "Rows and columns are nodes. Each matrix is shown relative to its largest weight.",
      spec: arrangeInRows(panels.map((panel) => drawMatrix(panel, nodes, width))),
    },
    ...(truth
      ? [
          {
            name: "f-over-threshold",
            title: "F over the threshold of edges",
            caption:
              "F = 2·precision·recall/(precision + recall). A wide plateau at the top means that the edges stand out clearly. Dashed: the trial's threshold.",
            spec: drawCurve(arms, truth, options, input.width),
          },
        ]
      : []),
  ];
}

/** Draws the true graph of simulated signals again; undefined for data from files. */
function drawTruth({ source, graph, nodes, dataSeed }: Options): readonly number[] | undefined {
  if (source || graph.model === "file") return undefined;
  return [...packStrict(drawGraph(graph, nodes, stream(dataSeed).at("graph")))];
}

function parseOptions({ task }: FigureInput): Options {
  const entries = Object.entries(task).filter(([key]) => key !== "name");
  return schema.parse(Object.fromEntries(entries));
}

function findLastGraph({ artifacts }: FigureInput, arm: string): Learned | undefined {
  const last = artifacts.filter((e) => e.arm === arm && e.name === "learned").at(-1);
  return last?.value as Learned | undefined;
}

function formatTitle(
  { label, outcome, weights }: Learned & { readonly label: string },
  truth: readonly number[] | undefined,
  { threshold }: Options,
): string {
  const note = outcome === "solved" ? "" : ` · ${outcome}`;
  if (!weights || !truth) return label + note;
  return `${label} · F ${matchEdges(weights, truth, threshold).f.toFixed(2)}${note}`;
}

function arrangeInRows(concat: readonly object[]): object {
  return { concat, columns, spacing: { row: 44, column: 20 }, bounds: "flush" };
}

/** Draws nodes on a circle, with edges coloured by whether they are true, if that is known. */
function drawNetwork(
  { title, weights }: Panel,
  truth: readonly number[] | undefined,
  options: Options,
  nodes: number,
  width: number,
): object {
  const least = options.threshold * Math.max(...weights);
  const place = (node: number) => {
    const angle = (2 * Math.PI * node) / nodes;
    return { x: Math.sin(angle), y: Math.cos(angle) };
  };
  const edges = [...listPairs(nodes, 1)].flatMap(([i, j], at) => {
    const isLearned = (weights[at] ?? 0) > least;
    const isTrue = truth?.[at] === 1;
    if (!isLearned && !isTrue) return [];
    const edge = !truth ? "learned" : isLearned ? (isTrue ? "right" : "false") : "missed";
    const [from, to] = [place(i), place(j)];
    return [{ edge, ...from, x2: to.x, y2: to.y }];
  });
  const places = Array.from({ length: nodes }, (_, node) => ({ node, ...place(node) }));
  const kinds = truth ? ["right", "missed", "false"] : ["learned"];
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
            scale: { domain: kinds, range: [right, missed, wrong].slice(0, kinds.length) },
            legend: truth ? strokeLegend : null,
          },
          strokeDash: {
            field: "edge",
            type: "nominal",
            scale: { domain: kinds, range: [[], [4, 3], []].slice(0, kinds.length) },
          },
        },
      },
      {
        data: { values: places },
        mark: { type: "circle", size: 46, color: "#777777", opacity: 1 },
        encoding: position,
      },
    ],
  };
}

/** Draws the weights as a heat map, both triangles. */
function drawMatrix({ title, weights }: Panel, nodes: number, width: number): object {
  const largest = Math.max(...weights);
  const values = [...listPairs(nodes, 1)].flatMap(([i, j], at) => {
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

function drawCurve(
  arms: readonly (Learned & { readonly label: string; readonly colour: string })[],
  truth: readonly number[],
  { threshold }: Options,
  width: number,
): object {
  const lines = arms.flatMap(({ label, colour, weights }) => {
    if (!weights) return [];
    const points = thresholds.map((x) => ({ x, y: matchEdges(weights, truth, x).f }));
    return [{ label, colour, points }];
  });
  return {
    width: Math.min(520, width - 60),
    height: 240,
    layer: [
      lineLayer(
        lines,
        { title: "threshold (share of the largest weight)" },
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
