// The agents on their way over the bridge: the figure of the task's reports.
import { methodColours } from "@fedclair/core";
import { pathFigure } from "../dist/src/path-figure.js";
import { readArtifact } from "../../../../studies/papers/runs.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/**
 * Draws the likeliest paths of some methods, one panel each.
 * @param {readonly (readonly [name: string, run: Run])[]} methods
 */
export async function drawBridge(methods) {
  const artifacts = await Promise.all(
    methods.map(async ([arm, run]) => ({ ...(await readArtifact(run, "play")), arm })),
  );
  const arms = methods.map(([label], i) => ({ label, colour: methodColours[i] }));
  const [{ spec }] = pathFigure({ arms, artifacts, task: {}, width: 640 });
  const titleOf = (i) => {
    const { metrics } = artifacts[i].value;
    return `${arms[i].label}: return ${metrics.return.toFixed(3)}`;
  };
  return { ...spec, concat: spec.concat.map((panel, i) => ({ ...panel, title: titleOf(i) })) };
}
