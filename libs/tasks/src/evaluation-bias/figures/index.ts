import type { TaskFigures } from "@fedclair/core";
import { densityFigure } from "./densities.js";
import { explanationFigure } from "./explanations.js";
import { institutionFigure } from "./institutions.js";
import { schedulerFigure } from "./scheduler.js";
import { selectionFigure } from "./selection.js";
import { shownIn } from "./shown.js";

/** Densities by panel and what explains them, selections and schedules, and the institutions' own parameters. */
export const figures: TaskFigures = (input) => {
  const shown = shownIn(input);
  if (shown.length === 0) return [];
  return [
    densityFigure(input, shown),
    ...explanationFigure(input, shown),
    ...selectionFigure(input, shown),
    ...schedulerFigure(input, shown),
    ...institutionFigure(input, shown),
  ];
};
