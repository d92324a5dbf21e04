import type { TaskFigures } from "@fedclair/core";
import { densityFigure } from "./densities.js";
import { effectsFigure } from "./effects.js";
import { explanationFigure } from "./explanations.js";
import { institutionFigure } from "./institutions.js";
import { schedulerFigure } from "./scheduler.js";
import { selectionFigure } from "./selection.js";
import { readFindings } from "./arm-findings.js";

/**
 * Draws densities by panel, their explanations, what interventions do, selections, schedules, and
 * the institutions' own parameters.
 */
export const figures: TaskFigures = (input) => {
  const armFindings = readFindings(input);
  if (armFindings.length === 0) return [];
  return [
    densityFigure(input, armFindings),
    ...explanationFigure(input, armFindings),
    ...effectsFigure(input, armFindings),
    ...selectionFigure(input, armFindings),
    ...schedulerFigure(input, armFindings),
    ...institutionFigure(input, armFindings),
  ];
};
