import { signal } from "@preact/signals";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Does the reader prefer a dark page? */
const isDark = signal(dark.matches);
dark.addEventListener("change", ({ matches }) => (isDark.value = matches));

const steps = 24;

/** Colours for what is drawn on a canvas; the style sheet has the same ones. */
const light = {
  paper: "#ffffff",
  ink: "#1d2126",
  muted: "#5d646d",
  absent: "#f4f5f6",
  focus: "#0b63b0",
  /** Score over threshold from 0 to 1, in equal steps. */
  below: ramp([236, 241, 246], [142, 178, 209]),
  /** From just above the threshold to ten times, in equal steps of the logarithm. */
  above: ramp([240, 160, 104], [176, 62, 0]),
  noScore: "#dfe3e8",
  open: "#8a6100",
  onFlagged: "#ffffff",
  /** One per arm, of Okabe and Ito, safe for the colour-blind. */
  arms: ["#0072b2", "#c45500", "#007a5a", "#b0578d", "#8a6100", "#2b86b8"],
};

export type Palette = typeof light;

const night: Palette = {
  paper: "#14171b",
  ink: "#e7e9ec",
  muted: "#9aa3ad",
  absent: "#191d22",
  focus: "#6fb7f2",
  below: ramp([35, 43, 52], [63, 106, 143]),
  above: ramp([168, 88, 36], [255, 138, 66]),
  noScore: "#2f363e",
  open: "#e3b341",
  onFlagged: "#14171b",
  arms: ["#4ea8de", "#f08a4b", "#3fc79a", "#dd8fbd", "#dcae3d", "#8ccdf0"],
};

/** The colours for the present theme. */
export function palette(): Palette {
  return isDark.value ? night : light;
}

/** Mixes two colours in equal steps. */
function ramp(from: readonly number[], to: readonly number[]): string[] {
  return Array.from({ length: steps }, (_, i) => {
    const mixed = from.map((value, k) =>
      Math.round(value + ((to[k] ?? 0) - value) * (i / (steps - 1))),
    );
    return `rgb(${mixed.join(" ")})`;
  });
}

/**
 * The colour of a cell. A flagged client just above its threshold has a ratio that is rounded to 1,
 * but the colour of the flagged.
 * @param ratio score over threshold, or NaN
 */
export function cellColour(
  { below, above, noScore }: Palette,
  ratio: number,
  isFlagged: boolean,
): string {
  if (Number.isNaN(ratio)) return noScore;
  if (ratio < 1 || (ratio === 1 && !isFlagged))
    return below[Math.floor(Math.max(0, ratio) * (steps - 1))] ?? noScore;
  const place = Math.min(1, Math.log10(ratio));
  return above[Math.floor(place * (steps - 1))] ?? noScore;
}

/** Dashes of the arms' curves, so that they differ without colour too. */
export const curveDashes: readonly string[] = ["", "7 4", "2 3", "9 3 2 3", "4 4", "1 4"];
