import type { FigureInput, TaskFigure } from "@fedclair/core";
import { listPairs } from "../packing.js";

/** The content of a round's `artifacts.collaboration`. */
interface Collaboration {
  readonly outcome: string;
  /** Clients in the graph; `groups` holds their true groups. */
  readonly clients?: readonly string[];
  readonly groups?: readonly number[];
  /** Weights of all pairs, row by row, relative to the largest. */
  readonly weights?: readonly number[];
}

const groupColours = ["#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31"];

/**
 * Draws the learned graph between the clients of each arm, with clients on a circle ordered by
 * their true groups.
 */
export function collaborationFigures(input: FigureInput): readonly TaskFigure[] {
  const panels = input.arms.flatMap(({ label }) => {
    const rounds = input.artifacts.filter((e) => e.arm === label && e.name === "collaboration");
    const value = rounds.at(-1)?.value as Collaboration | undefined;
    return value ? [{ label, ...value }] : [];
  });
  const width = Math.floor(input.width / 3) - 30;
  const [main] = panels;
  return [
    {
      name: "collaboration",
      title: "Collaboration between clients",
      caption:
        "Colours are the true groups, unknown to the coordinator; wider edges have larger weights. A client that is missing was flagged" +
        (main?.clients ? `; a red ring marks a client that ${main.label} flags.` : "."),
      spec: {
        concat: panels.map((panel) => drawNetwork(panel, main?.clients, width)),
        columns: 3,
        spacing: 20,
        bounds: "flush",
      },
    },
  ];
}

/**
 * Draws the graph of one arm.
 * @param admitted clients that the main arm admits; the others get a ring
 */
function drawNetwork(
  panel: Collaboration & { readonly label: string },
  admitted: readonly string[] | undefined,
  width: number,
): object {
  const { label, outcome, clients = [], groups = [], weights = [] } = panel;
  const place = (node: number) => {
    const angle = (2 * Math.PI * node) / clients.length;
    return { x: Math.sin(angle), y: Math.cos(angle) };
  };
  const nodes = clients.map((client, node) => ({
    client,
    group: `group ${(groups[node] ?? 0) + 1}`,
    ...place(node),
  }));
  const edges = [...listPairs(clients.length, 1)].flatMap(([i, j], at) => {
    const weight = weights[at] ?? 0;
    const [from, to] = [place(i), place(j)];
    return weight > 0.02 ? [{ weight, ...from, x2: to.x, y2: to.y }] : [];
  });
  const axis = { type: "quantitative", scale: { domain: [-1.25, 1.25] }, axis: null };
  const position = { x: { field: "x", ...axis }, y: { field: "y", ...axis } };
  const domain = [...new Set(nodes.map(({ group }) => group))].sort();
  return {
    title: outcome === "solved" ? label : `${label} · ${outcome}`,
    width,
    height: width,
    layer: [
      {
        data: { values: edges },
        mark: { type: "rule", color: "#666666" },
        encoding: {
          ...position,
          x2: { field: "x2" },
          y2: { field: "y2" },
          strokeWidth: {
            field: "weight",
            type: "quantitative",
            scale: { domain: [0, 1], range: [0, 4] },
            legend: null,
          },
        },
      },
      {
        data: { values: nodes },
        mark: { type: "circle", size: 420, opacity: 1 },
        encoding: {
          ...position,
          color: { field: "group", type: "nominal", scale: { domain, range: groupColours } },
        },
      },
      {
        data: { values: nodes.filter(({ client }) => admitted?.includes(client) === false) },
        mark: { type: "point", size: 640, color: "#c00000", strokeWidth: 2, opacity: 1 },
        encoding: position,
      },
      {
        data: { values: nodes },
        mark: { type: "text", fontSize: 9, color: "#ffffff" },
        encoding: { ...position, text: { field: "client" } },
      },
    ],
  };
}
