import type { FigureInput, TaskFigure, TaskFigures } from "@fedclair/core";
import { lineLayer, referenceLayer } from "../line-layers.js";
import type { ClassesArtifact, Dot, TransportArtifact } from "./artifacts.js";

const grey = "#9a9a9a";
const panelGap = 24;

/** Paths and samples, an arm a panel; W2 over rounds; for a conditional network, its samples by mode. */
export const figures: TaskFigures = (input) => [
  ...transportFigure(input),
  ...distanceFigure(input),
  ...classesFigure(input),
];

function transportFigure(input: FigureInput): TaskFigure[] {
  const { arms, width } = input;
  const shown = arms.flatMap((arm) => {
    const last = artifactsOf(input, "transport", arm.label).at(-1);
    return last ? [{ ...arm, ...last }] : [];
  });
  if (shown.length === 0) return [];
  const columns = Math.min(shown.length, 3);
  const size = Math.min(300, Math.floor(width / columns) - panelGap - 36);
  const dots = shown.flatMap(({ value }) => [
    ...value.targets,
    ...value.generated,
    ...value.paths.flat(),
  ]);
  const panels = shown.map(({ label, colour, round, value }) => ({
    title: `${label}, round ${round}: W2 = ${value.w2.toFixed(3)}`,
    width: size,
    height: size,
    layer: [
      points(value.targets, { color: grey, size: 5, opacity: 0.45, filled: true }),
      lines(value.paths, { color: colour, strokeWidth: 0.7, opacity: 0.4 }),
      points(value.generated, { color: colour, size: 7, opacity: 0.8, filled: true }),
    ],
    encoding: axes(dots),
  }));
  return [
    {
      name: "transport",
      title: "Transport",
      caption: `From the source down the values to the target: paths of some samples, where all samples end (coloured), and true points of the target (grey). Two samples of the truth are W2 = ${floorOf(shown[0]?.value)} apart.${warning(input)}`,
      spec: { concat: panels, columns },
    },
  ];
}

function distanceFigure(input: FigureInput): TaskFigure[] {
  const measured = input.arms.map((arm) => {
    return { ...arm, shown: artifactsOf(input, "transport", arm.label) };
  });
  const [first] = measured.flatMap(({ shown }) => shown);
  if (!first || !measured.some(({ shown }) => shown.length > 1)) return [];
  const lines = measured.map(({ label, colour, shown }) => {
    return { label, colour, points: shown.map(({ round, value }) => ({ x: round, y: value.w2 })) };
  });
  const rounds = { title: "round", axis: { tickMinStep: 1, grid: false }, scale: { zero: false } };
  const y = { title: "W2 (lower is better)", scale: { zero: true } };
  return [
    {
      name: "distance",
      title: "Distance from the target",
      caption: `W2 between generated and true points, as the coordinator measures it. Dashed: W2 = ${floorOf(first.value)} between two samples of the truth, below which no transport can reliably be.`,
      spec: {
        width: Math.min(520, input.width - 200),
        height: 220,
        layer: [
          lineLayer(lines, rounds, y),
          referenceLayer([{ name: "two samples of the truth", y: first.value.w2Floor }], y),
        ],
      },
    },
  ];
}

function classesFigure(input: FigureInput): TaskFigure[] {
  const [arm] = input.arms;
  const last = arm && artifactsOf(input, "classes", arm.label).at(-1);
  if (!last) return [];
  const { plain, guided } = last.value;
  const size = Math.min(300, Math.floor(input.width / 2) - panelGap - 36);
  const dots = [...plain, ...guided].flat();
  const panel = (title: string, classes: readonly (readonly Dot[])[]) => ({
    title,
    width: size,
    height: size,
    data: { values: classes.flatMap((ds, mode) => ds.map(([x, y]) => ({ x, y, mode }))) },
    mark: { type: "point", filled: true, size: 10, opacity: 0.8 },
    encoding: {
      ...axes(dots),
      color: {
        field: "mode",
        type: "nominal",
        title: "mode asked for",
        scale: { scheme: plain.length <= 8 ? "dark2" : "category20" },
      },
    },
  });
  return [
    {
      name: "classes",
      title: "Conditional generation",
      caption: `Samples of ${last.arm} by the mode that was asked for: without guidance, and with the trial's weight of classifier-free guidance, which gives spread for certainty.`,
      spec: { hconcat: [panel("guidance 0", plain), panel("guided", guided)] },
    },
  ];
}

interface Shown {
  readonly transport: TransportArtifact;
  readonly classes: ClassesArtifact;
}

/** In the order of rounds. */
function artifactsOf<Name extends keyof Shown>(
  { artifacts }: FigureInput,
  name: Name,
  arm: string,
) {
  return artifacts.flatMap((artifact) =>
    artifact.name === name && artifact.arm === arm
      ? [{ ...artifact, value: artifact.value as Shown[Name] }]
      : [],
  );
}

function floorOf(artifact: TransportArtifact | undefined): string {
  return (artifact?.w2Floor ?? NaN).toFixed(3);
}

/** Several local steps where clients hold different modes: known to fail, and to be said wherever the result is shown. */
function warning({ task }: FigureInput): string {
  const { mode, split } = task;
  const uneven =
    typeof split === "object" &&
    split !== null &&
    ("modes" in split || ("dirichlet" in split && Number(split.dirichlet) < 1));
  return mode === "fedavg" && uneven
    ? " Note: with modes this uneven, local steps chase the wrong source and their average collapses; mode gradient does not."
    : "";
}

/** One square for all panels. */
function axes(dots: readonly Dot[]) {
  const reach = Math.ceil(2 * dots.flat().reduce((most, x) => Math.max(most, Math.abs(x)), 0)) / 2;
  const axis = {
    type: "quantitative",
    axis: { tickCount: 5, grid: false },
    scale: { domain: [-reach, reach], nice: false },
  };
  return {
    x: { field: "x", title: "first coordinate", ...axis },
    y: { field: "y", title: "second coordinate", ...axis },
  };
}

function points(dots: readonly Dot[], mark: object) {
  return { data: { values: dots.map(([x, y]) => ({ x, y })) }, mark: { type: "point", ...mark } };
}

function lines(paths: readonly (readonly Dot[])[], mark: object) {
  const values = paths.flatMap((path, sample) => path.map(([x, y], h) => ({ x, y, h, sample })));
  return {
    data: { values },
    mark: { type: "line", ...mark },
    encoding: { detail: { field: "sample" }, order: { field: "h" } },
  };
}
