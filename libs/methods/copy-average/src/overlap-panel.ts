/** Heading of a panel. It is orange for a flagged student. */
interface Heading {
  readonly text: string;
  readonly subtitle: string;
  readonly flagged?: boolean;
}

/**
 * Draws a matrix of cosines as squares: blue above 0, orange below.
 * @param overlaps one row per student neuron
 */
export function overlapPanel(
  { text, subtitle, flagged = false }: Heading,
  overlaps: readonly (readonly number[])[],
  { width, axes }: { readonly width: number; readonly axes: boolean },
): object {
  const values = overlaps.flatMap((row, i) =>
    row.map((cosine, j) => ({ student: i + 1, teacher: j + 1, cosine })),
  );
  const cell = width / (overlaps[0]?.length ?? 1);
  const createAxis = (title: string) =>
    axes ? { title, axis: { labelAngle: 0, ticks: false, domain: false } } : { axis: null };
  return {
    title: {
      text,
      subtitle,
      color: flagged ? "#d55e00" : "#222222",
      subtitleColor: "#666666",
      fontSize: axes ? 11 : 10,
      subtitleFontSize: axes ? 10 : 9,
      offset: 4,
    },
    width,
    height: Math.round(cell * overlaps.length),
    data: { values },
    mark: { type: "rect", stroke: "#dddddd", strokeWidth: 0.5 },
    encoding: {
      x: { field: "teacher", type: "ordinal", ...createAxis("teacher neuron") },
      y: { field: "student", type: "ordinal", ...createAxis("student neuron") },
      color: {
        field: "cosine",
        type: "quantitative",
        title: "cosine",
        scale: { domain: [-1, 0, 1], range: ["#d55e00", "#ffffff", "#0072b2"], interpolate: "rgb" },
        legend: { orient: "right", gradientLength: 80 },
      },
    },
  };
}
