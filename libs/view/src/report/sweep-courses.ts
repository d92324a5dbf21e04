import { join } from "node:path";
import {
  armRecords,
  listStudies,
  otherDimensions,
  readRun,
  readSummary,
  formatPlace,
  type ArmRecord,
  type Grid,
} from "@fedclair/runs";
import { courseFigure, type Course, type CourseMetric } from "../figures/course-figure.js";
import type { Drawing } from "../figures/figures.js";
import { maxColours } from "../figures/method-figure.js";

/**
 * Draws the benign clients over rounds: the arms of a study, or the main arms of a sweep's studies
 * if each can have a colour.
 * @param out the folder of the sweep
 * @throws UserError if the records of a run have changed
 */
export async function drawCourses(out: string, grid: Grid): Promise<Drawing[]> {
  const studies = listStudies(grid);
  const ofArms = otherDimensions(grid).length === 0;
  const seeds = new Set(grid.trials.map(({ seed }) => seed));
  if (seeds.size < 2 || studies.length > maxColours) return [];
  const courses = new Map<number, Map<string, readonly ArmRecord[]>>();
  for (const { at, trials } of studies) {
    for (const { folder, seed, arms } of trials) {
      if (readSummary(join(out, folder)) === undefined) continue; // failed or not run yet
      const run = await readRun(join(out, folder));
      const methods = courses.get(seed) ?? new Map<string, readonly ArmRecord[]>();
      courses.set(seed, methods);
      for (const { label } of ofArms ? arms : arms.slice(0, 1))
        methods.set(ofArms ? label : formatPlace(at), armRecords(run, label));
    }
  }
  const all = [...courses].map(([seed, methods]): Course => ({ seed, methods }));
  return [
    {
      name: "rounds",
      title: "Benign clients over rounds",
      caption:
        "Mean of the clients that are not contaminated, over seeds: the thick line, with a band of its 95 % Student interval in each round. Each thin line is a seed.",
      draw: (width) => courseFigure(all, listMetrics(grid), width),
    },
  ];
}

/** The primary metric, and the same on shared data. */
function listMetrics({ trials }: Grid): CourseMetric[] {
  const { metrics = {}, primary } = trials[0]?.measures ?? {};
  const first = primary ?? Object.keys(metrics)[0];
  const names = first === undefined ? [] : [first, metrics[first]?.onSharedData ?? []].flat();
  return names.map((metric) => ({ metric, better: metrics[metric]?.better }));
}
