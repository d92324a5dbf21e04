import type { FigureInput, TaskFigure, TaskFigures } from "@fedclair/core";
import { lineLayer, referenceLayer } from "@fedclair/tasks/shared";
import type { ClassesArtifact, Dot, TransportArtifact } from "./artifacts.js";

const grey = "#9a9a9a";
const panelGap = 24;

/**
 * Draws paths and samples with one panel per arm, W2 over rounds and, for a conditional network,
 * its samples by mode.
 */
export const figures: TaskFigures = (input) => [
  ...transportFigure(input),
  ...distanceFigure(input),
  ...classesFigure(input),
];

function transportFigure(input: FigureInput): TaskFigure[] {
  const { arms, width } = input;
  const lastArtifacts = arms.flatMap((arm) => {
    const last = findArtifacts(input, "transport", arm.label).at(-1);
    return last ? [{ ...arm, ...last }] : [];
  });
  if (lastArtifacts.length === 0) return [];
  const columns = Math.min(lastArtifacts.length, 3);
  const size = Math.min(300, Math.floor(width / columns) - panelGap - 36);
  const dots = lastArtifacts.flatMap(({ value }) => [
    ...value.targets,
    ...value.generated,
    ...value.paths.flat(),
  ]);
  const coordinates = lastArtifacts[0]?.value.coordinates;
  const panels = lastArtifacts.map(({ label, colour, round, value }, i) => ({
    title: `${label}, round ${round}: W2 = ${value.w2.toFixed(3)}`,
    width: size,
    height: size,
    layer: [
      points(value.targets, { color: grey, size: 5, opacity: 0.45, filled: true }),
      {
        name: `moving${i}`,
        ...lines(value.paths, { color: colour, strokeWidth: 0.7, opacity: 0.4 }),
      },
      {
        name: `arrival${i}`,
        ...points(value.generated, { color: colour, size: 7, opacity: 0.8, filled: true }),
      },
    ],
    encoding: axes(dots, coordinates),
  }));
  return [
    {
      name: "transport",
      title: "Transport",
      caption: `Paths of some samples from the source down the values to the target, the end points of all samples (coloured), and true points of the target (grey)${coordinates ? ", in the two coordinates with the largest variance" : ""}. Two samples of the truth have a distance of W2 = ${formatFloor(lastArtifacts[0]?.value)}.${formatWarning(input)}`,
      spec: { concat: panels, columns },
      moves: "step",
    },
  ];
}

function distanceFigure(input: FigureInput): TaskFigure[] {
  const series = input.arms.map((arm) => {
    return { ...arm, shown: findArtifacts(input, "transport", arm.label) };
  });
  const [first] = series.flatMap(({ shown }) => shown);
  if (!first || !series.some(({ shown }) => shown.length > 1)) return [];
  const lines = series.map(({ label, colour, shown }) => {
    return { label, colour, points: shown.map(({ round, value }) => ({ x: round, y: value.w2 })) };
  });
  const rounds = { title: "round", axis: { tickMinStep: 1, grid: false }, scale: { zero: false } };
  const y = { title: "W2 (lower is better)", scale: { zero: true } };
  return [
    {
      name: "distance",
      title: "Distance from the target",
      caption: `W2 between generated and true points, as measured by the coordinator. Dashed: W2 = ${formatFloor(first.value)} between two samples of the truth. No transport can reliably be below it.`,
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
  const last = arm && findArtifacts(input, "classes", arm.label).at(-1);
  if (!last) return [];
  const { names = [], plain, guided, coordinates } = last.value;
  const size = Math.min(300, Math.floor(input.width / 2) - panelGap - 36);
  const dots = [...plain, ...guided].flat();
  const panel = (title: string, classes: readonly (readonly Dot[])[]) => ({
    title,
    width: size,
    height: size,
    data: {
      values: classes.flatMap((ds, mode) =>
        ds.map(([x, y]) => ({ x, y, mode: names[mode] ?? String(mode) })),
      ),
    },
    mark: { type: "point", filled: true, size: 10, opacity: 0.8 },
    encoding: {
      ...axes(dots, coordinates),
      color: {
        field: "mode",
        type: "nominal",
        sort: null,
        title: "requested mode",
        scale: { scheme: plain.length <= 8 ? "dark2" : "category20" },
      },
    },
  });
  return [
    {
      name: "classes",
      title: "Conditional generation",
      caption: `Samples of ${last.arm} by requested mode: without guidance, and with the trial's weight of classifier-free guidance, which trades spread for certainty.`,
      spec: { hconcat: [panel("guidance 0", plain), panel("guided", guided)] },
    },
  ];
}

interface ArtifactTypes {
  readonly transport: TransportArtifact;
  readonly classes: ClassesArtifact;
}

/** Lists the artifacts of an arm in the order of rounds. */
function findArtifacts<Name extends keyof ArtifactTypes>(
  { artifacts }: FigureInput,
  name: Name,
  arm: string,
) {
  return artifacts.flatMap((artifact) =>
    artifact.name === name && artifact.arm === arm
      ? [{ ...artifact, value: artifact.value as ArtifactTypes[Name] }]
      : [],
  );
}

function formatFloor(artifact: TransportArtifact | undefined): string {
  return (artifact?.w2Floor ?? NaN).toFixed(3);
}

/**
 * Returns a warning for the case of several local steps on clients with different modes. This is
 * known to fail, so every figure of such a result must mention it.
 */
function formatWarning({ task }: FigureInput): string {
  const { mode, split } = task;
  const uneven =
    typeof split === "object" &&
    split !== null &&
    ("modes" in split || ("dirichlet" in split && Number(split.dirichlet) < 1));
  return mode === "fedavg" && uneven
    ? " Note: with modes this uneven, local steps chase the wrong source and their average collapses; mode gradient does not."
    : "";
}

/**
 * Creates axes with the same square range for all panels.
 * @param coordinates the numbers of the two coordinates, if points are not in the plane
 */
function axes(dots: readonly Dot[], coordinates?: readonly [number, number]) {
  const [first, second] = coordinates?.map((c) => `coordinate ${c}`) ?? [
    "first coordinate",
    "second coordinate",
  ];
  const reach = Math.ceil(2 * dots.flat().reduce((most, x) => Math.max(most, Math.abs(x)), 0)) / 2;
  const axis = {
    type: "quantitative",
    axis: { tickCount: 5, grid: false },
    scale: { domain: [-reach, reach], nice: false },
  };
  return {
    x: { field: "x", title: first, ...axis },
    y: { field: "y", title: second, ...axis },
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
