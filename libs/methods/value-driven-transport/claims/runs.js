// What the sweeps of README.md have in common.
import { mean } from "@fedclair/linalg";
import { groupBy } from "../../../../studies/support/group-by.js";
import { linePanel, number, series } from "../../../../studies/papers/figures.js";
import { perSeed } from "../../../../studies/papers/runs.js";

/** @typedef {import("../../../../studies/papers/runs.js").Run} Run */

/** Titles of the methods by their names in a trial. */
export const names = {
  value: "value-driven",
  "flow-matching": "flow matching",
  "ot-cfm": "OT-CFM",
  "sb-cfm": "SB-CFM",
};

/** Numbers of steps at which W2 is measured. */
const steps = [1, 2, 4, 16, 100];

/** Reads a metric of a run. @returns {(run: Run) => number} */
export const metric = (name) => (run) => run.measures[`global.${name}.fedavg`];
/** Reads W2 of points generated in k steps. */
export const w2 = (k) => metric(`w2Steps.${k}`);
export const methodOf = (run) => run.at("task.method");
const own = (runs) => runs.filter((run) => methodOf(run) === "value");

export const overFloor = (quantity) => (run) => quantity(run) / metric("w2Floor")(run);

/** W2 lost by taking one step in place of a hundred, over the floor. */
export const lostByOneStep = overFloor((run) => w2(1)(run) - w2(100)(run));

/** Computes, per seed, the mean of a quantity over the runs of the value method. */
export const ownMean = (quantity) => (all) => perSeed(own(all), (runs) => mean(runs.map(quantity)));

/** Computes, per seed, the mean of a quantity of the value method minus that of another. */
export function difference(quantity, other) {
  const meanOf = (runs, method) =>
    mean(runs.filter((run) => methodOf(run) === method).map(quantity));
  return (all) => perSeed(all, (runs) => meanOf(runs, "value") - meanOf(runs, other));
}

/** Columns and rows of W2 by the number of steps. @param {Record<string, string>} targets titles */
export function stepTable(file, targets, targetOf) {
  return {
    files: [file],
    columns: ["target", "method", ...steps.map((k) => `W2, ${k}`), "floor", "straightness"],
    rows: ([all], format) =>
      [...groupBy(all, targetOf)].flatMap(([target, ofTarget]) =>
        [...groupBy(ofTarget, methodOf)].map(([method, runs]) => [
          targets[target],
          names[method],
          ...steps.map((k) => format(runs.map(w2(k)))),
          format(runs.map(metric("w2Floor"))),
          format(runs.map(metric("straightness"))),
        ]),
      ),
  };
}

/** Draws W2 against the number of steps. @returns {object[]} a panel per target */
export function stepPanels(all, targets, targetOf) {
  return [...groupBy(all, targetOf)].map(([target, runs]) => {
    const byMethod = groupBy(runs, methodOf);
    const lines = [...byMethod].flatMap(([method, group]) =>
      steps.map((k) => ({ k, method: names[method], y: mean(group.map(w2(k))) })),
    );
    const floor = mean(runs.map(metric("w2Floor")));
    const values = [...lines, ...steps.map((k) => ({ k, method: "floor", y: floor }))];
    const methods = [...byMethod.keys()].map((method) => names[method]);
    return linePanel(targets[target], values, {
      x: number("k", "steps", { scale: { type: "log" }, values: steps, format: "d" }),
      y: number("y", "W2", { scale: { zero: false } }),
      color: series("method", [...methods, "floor"]),
    });
  });
}
