import type { Exhibition, TaskFigure, TaskFigures } from "@fedclair/core";
import type { AggregateExhibit, ClientExhibit } from "./exhibit.js";
import { evidenceFigure } from "./evidence-figure.js";
import { overlapPanel } from "./overlap-panel.js";

const grey = "#777777";

/** Overlap matrices of the aggregates and of the clients, the loss over rounds, and the evidence against clients. */
export const figures: TaskFigures = (exhibition) => {
  const aggregates = shown<AggregateExhibit>(exhibition, "aggregate");
  const studied = exhibition.arms[0]?.label;
  const clients = shown<readonly ClientExhibit[]>(exhibition, "clients")
    .filter(({ arm }) => arm === studied)
    .flatMap(({ value }) => value);
  if (aggregates.length === 0) return [];
  return [
    aggregatesFigure(exhibition, aggregates),
    lossFigure(exhibition, aggregates),
    ...(clients.length > 0
      ? [clientsFigure(exhibition, clients), evidenceFigure(exhibition, clients)]
      : []),
  ];
};

type Shown<T> = Exhibition["exhibits"][number] & { readonly value: T };

function shown<T>({ exhibits }: Exhibition, name: string): Shown<T>[] {
  return exhibits.filter((exhibit): exhibit is Shown<T> => exhibit.name === name);
}

function aggregatesFigure(
  { arms, width }: Exhibition,
  aggregates: readonly Shown<AggregateExhibit>[],
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
        subtitle: `loss ${value.loss.toFixed(4)}${ratioText(value)}`,
      },
      value.overlaps,
      { width: Math.min(size, 240), axes: true },
    ),
  );
  return {
    name: "overlaps",
    title: "What the aggregate copies",
    caption:
      "Cosines between the neurons of the aggregate (rows) and of the teacher (columns), after the last round. A row with one full square copies; one with several equal squares averages them. ρ is the loss over the median loss of the students that were averaged: up to 1.25 safe, up to 4 degraded, else unsafe.",
    spec: { concat: panels, columns, spacing: 24 },
  };
}

function ratioText({ ratio, safety }: AggregateExhibit): string {
  return ratio === undefined || safety === undefined ? "" : `, ρ = ${ratio.toFixed(2)} (${safety})`;
}

function clientsFigure({ width }: Exhibition, clients: readonly ClientExhibit[]): TaskFigure {
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
    title: "What the clients copy",
    caption:
      "Cosines between the neurons of each client's student (rows) and of the teacher (columns), first round. Students that are equally good copy different neurons, in any order: no permutation of rows makes them alike.",
    spec: { concat: panels, columns, spacing: 14 },
  };
}

function lossFigure(
  { arms, width }: Exhibition,
  aggregates: readonly Shown<AggregateExhibit>[],
): TaskFigure {
  const values = aggregates.map(({ arm, round, value }) => ({ arm, round, loss: value.loss }));
  const [{ value: first } = { value: undefined }] = aggregates;
  const references = [
    { name: "student that is 0", loss: first?.nullLoss },
    { name: "best copy-average point", loss: first?.optimalLoss },
  ].filter(({ loss }) => loss !== undefined);
  const colours = { domain: arms.map((a) => a.label), range: arms.map((a) => a.colour) };
  const y = {
    field: "loss",
    type: "quantitative",
    title: "loss",
    scale: { type: "log", nice: false, padding: 8 },
    axis: { tickCount: 4 },
  };
  const dashes = {
    domain: colours.domain,
    range: [
      [1, 0],
      [6, 3],
      [2, 2],
      [8, 2, 2, 2],
      [12, 4],
      [4, 1],
    ],
  };
  return {
    name: "loss",
    title: "What averaging cost",
    caption:
      "Loss of the aggregate on the true teacher, inputs N(0, I), after each round. Dashed: losses to compare with.",
    spec: {
      width: Math.min(480, width - 200),
      height: 240,
      layer: [
        {
          data: { values: references },
          layer: [
            { mark: { type: "rule", strokeDash: [4, 3], color: grey }, encoding: { y } },
            {
              mark: { type: "text", align: "left", dx: 4, dy: -6, color: grey },
              encoding: { y, x: { value: 0 }, text: { field: "name" } },
            },
          ],
        },
        {
          data: { values },
          mark: { type: "line", strokeWidth: 1.6, point: { size: 40, filled: true } },
          encoding: {
            x: { field: "round", type: "ordinal", axis: { labelAngle: 0 } },
            y,
            color: { field: "arm", type: "nominal", scale: colours },
            // Arms can coincide: through a dashed one the other shows.
            strokeDash: { field: "arm", type: "nominal", scale: dashes },
          },
        },
      ],
    },
  };
}
