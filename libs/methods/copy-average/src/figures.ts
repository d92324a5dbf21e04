import type { FigureInput, TaskFigure, TaskFigures } from "@fedclair/core";
import { lineLayer, referenceLayer } from "@fedclair/tasks/shared";
import type { AggregateArtifact, ClientArtifact } from "./artifacts.js";
import { evidenceFigure } from "./evidence-figure.js";
import { overlapPanel } from "./overlap-panel.js";

/**
 * Draws the overlap matrices of aggregates and clients, the loss over rounds, and the evidence
 * about clients.
 */
export const figures: TaskFigures = (input) => {
  const aggregates = findArtifacts<AggregateArtifact>(input, "aggregate");
  const mainArm = input.arms[0]?.label;
  const clients = findArtifacts<readonly ClientArtifact[]>(input, "clients")
    .filter(({ arm }) => arm === mainArm)
    .flatMap(({ value }) => value);
  if (aggregates.length === 0) return [];
  return [
    aggregatesFigure(input, aggregates),
    lossFigure(input, aggregates),
    ...(clients.length > 0 ? [clientsFigure(input, clients), evidenceFigure(input, clients)] : []),
  ];
};

type TypedArtifact<T> = FigureInput["artifacts"][number] & { readonly value: T };

function findArtifacts<T>({ artifacts }: FigureInput, name: string): TypedArtifact<T>[] {
  return artifacts.filter((artifact): artifact is TypedArtifact<T> => artifact.name === name);
}

function aggregatesFigure(
  { arms, width }: FigureInput,
  aggregates: readonly TypedArtifact<AggregateArtifact>[],
): TaskFigure {
  const last = arms.flatMap(
    ({ label }) => aggregates.filter(({ arm }) => arm === label).at(-1) ?? [],
  );
  const columns = Math.min(last.length, 3);
  const size = Math.floor(width / columns) - 60;
  const panels = last.map(({ arm, round, value }) =>
    overlapPanel(
      {
        text: `${arm}, round ${round}: ${value.label}`,
        subtitle: `loss ${value.loss.toFixed(4)}${formatRatio(value)}`,
      },
      value.overlaps,
      { width: Math.min(size, 240), axes: true },
    ),
  );
  return {
    name: "overlaps",
    title: "Overlaps of the aggregate",
    caption:
      "Cosines between the neurons of the aggregate (rows) and of the teacher (columns), after the last round. A row with one full square is a copy; a row with several equal squares averages these neurons. ρ is the loss over the median loss of the averaged students: up to 1.25 safe, up to 4 degraded, above that unsafe.",
    spec: { concat: panels, columns, spacing: 24 },
  };
}

function formatRatio({ ratio, safety }: AggregateArtifact): string {
  return ratio === undefined || safety === undefined ? "" : `, ρ = ${ratio.toFixed(2)} (${safety})`;
}

function clientsFigure({ width }: FigureInput, clients: readonly ClientArtifact[]): TaskFigure {
  const columns = Math.min(clients.length, 6);
  const size = Math.floor(width / columns) - 24;
  const panels = clients.map(({ id, label, flagged, overlaps }) =>
    overlapPanel(
      { text: `${id}${flagged ? ", flagged" : ""}`, subtitle: label, flagged },
      overlaps,
      { width: Math.min(size, 120), axes: false },
    ),
  );
  return {
    name: "students",
    title: "Overlaps of the clients' students",
    caption:
      "Cosines between the neurons of each client's student (rows) and of the teacher (columns), first round. Equally good students copy different neurons, in any order, so no permutation of rows makes them equal.",
    spec: { concat: panels, columns, spacing: 14 },
  };
}

function lossFigure(
  { arms, width }: FigureInput,
  aggregates: readonly TypedArtifact<AggregateArtifact>[],
): TaskFigure {
  const lines = arms.map(({ label, colour }) => ({
    label,
    colour,
    points: aggregates
      .filter(({ arm }) => arm === label)
      .map(({ round, value }) => ({ x: round, y: value.loss })),
  }));
  const [{ value: first } = { value: undefined }] = aggregates;
  const references = [
    { name: "student that is 0", y: first?.nullLoss },
    { name: "best copy-average point", y: first?.optimalLoss },
  ].flatMap(({ name, y }) => (y === undefined ? [] : [{ name, y }]));
  const rounds = { type: "ordinal", title: "round", axis: { labelAngle: 0, labelOverlap: true } };
  const y = {
    title: "loss (lower is better)",
    scale: { type: "log", nice: false, padding: 8 },
    axis: { tickCount: 4, grid: false },
  };
  return {
    name: "loss",
    title: "Loss of the aggregate",
    caption:
      "Loss of the aggregate on the true teacher, inputs N(0, I), after each round. Dashed grey: losses for comparison.",
    spec: {
      width: Math.min(480, width - 200),
      height: 240,
      layer: [referenceLayer(references, y), lineLayer(lines, rounds, y)],
    },
  };
}
