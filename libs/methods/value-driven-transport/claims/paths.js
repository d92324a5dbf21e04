// Points on their way to the target: the figure of the task's reports.
import { methodColours } from "@fedclair/core";
import { figures } from "../dist/src/figures.js";
import { readArtifact } from "../../../../studies/papers/runs.js";
import { methodOf, names } from "./runs.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Points per panel; the pages' figures are smaller than those of reports. */
const shown = { paths: 30, generated: 80, targets: 100 };

/**
 * Draws the paths of some runs in the plane, one panel each.
 * @param {readonly Run[]} runs
 */
export async function drawPaths(runs) {
  const artifacts = await Promise.all(runs.map(readPaths));
  const arms = runs.map((run, i) => ({ label: names[methodOf(run)], colour: methodColours[i] }));
  const [{ spec }] = figures({ arms, artifacts, task: {}, width: 640 });
  const concat = spec.concat.map((panel, i) => ({ ...panel, title: arms[i].label }));
  return { ...spec, concat };
}

async function readPaths(run) {
  const last = await readArtifact(run, "transport");
  const few = Object.entries(shown).map(([part, count]) => [
    part,
    last.value[part].slice(0, count),
  ]);
  const value = { ...last.value, ...Object.fromEntries(few) };
  return { ...last, arm: names[methodOf(run)], value };
}
