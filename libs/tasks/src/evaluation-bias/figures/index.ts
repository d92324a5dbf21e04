import type { TaskFigures } from "@fedclair/core";
import { densityFigure } from "./densities.js";
import { institutionFigure } from "./institutions.js";
import { selectionFigure } from "./selection.js";
import { shownIn } from "./shown.js";

/** Densities by panel, selection rates by seats, and the institutions' own parameters. */
export const figures: TaskFigures = (exhibition) => {
  const shown = shownIn(exhibition);
  if (shown.length === 0) return [];
  return [
    densityFigure(exhibition, shown),
    ...selectionFigure(exhibition, shown),
    ...institutionFigure(exhibition, shown),
  ];
};
