import { linePanel, number, row, series } from "./figures.js";
import { mean } from "@fedclair/runs";
import { groupBy } from "../group-by.js";
import { perSeed } from "./runs.js";

const file = "sweeps/papers/transport.yaml";
const names = { value: "value-driven", "flow-matching": "flow matching", "ot-cfm": "OT-CFM" };
const targets = { gaussians8: "eight modes", moons: "moons" };
const steps = [1, 2, 4, 16, 100];

const metric = (name) => (run) => run.measures[`global.${name}.fedavg`];
const w2 = (k) => metric(`w2Steps.${k}`);
const methodOf = (run) => run.at("task.method");
const own = (runs) => runs.filter((run) => methodOf(run) === "value");

/** Per seed: the mean over targets of a quantity of the value method minus that of another. */
function difference(quantity, other) {
  const meanOf = (runs, method) =>
    mean(runs.filter((run) => methodOf(run) === method).map(quantity));
  return (all) => perSeed(all, (runs) => meanOf(runs, "value") - meanOf(runs, other));
}

const claimOf = (name, claim, quantity, measure, expected) => ({
  name,
  claim,
  file,
  time: "5 minutes",
  quantity,
  measure,
  expected,
});

export const transport = {
  name: "transport",
  title: "Value-driven transport",
  claims: [
    claimOf(
      "straight",
      "Paths are straight.",
      "length of the paths over their span; two targets",
      (all) => perSeed(own(all), (runs) => mean(runs.map(metric("straightness")))),
      { max: 1.05 },
    ),
    claimOf(
      "few-steps",
      "One step generates nearly as well as a hundred.",
      "W2 at 1 step minus W2 at 100 steps, over the floor",
      (all) =>
        perSeed(own(all), (runs) =>
          mean(runs.map((run) => (w2(1)(run) - w2(100)(run)) / metric("w2Floor")(run))),
        ),
      { max: 0.1 },
    ),
    claimOf(
      "one-step-flow",
      "With one step it is better than rectified flow (flow matching).",
      "W2 minus that of flow matching, paired",
      difference(w2(1), "flow-matching"),
      { max: 0 },
    ),
    claimOf(
      "one-step-ot",
      "With one step it is better than OT-CFM.",
      "W2 minus that of OT-CFM, paired",
      difference(w2(1), "ot-cfm"),
      { max: 0 },
    ),
    claimOf(
      "many-steps-flow",
      "With many steps it is as good as flow matching.",
      "W2 at 100 steps minus that of flow matching, paired",
      difference(w2(100), "flow-matching"),
      { max: 0.05 },
    ),
  ],
  table: {
    files: [file],
    columns: ["target", "method", ...steps.map((k) => `W2, ${k}`), "floor", "straightness"],
    rows: ([all], format) =>
      [...groupBy(all, (run) => `${run.at("task.target")} ${methodOf(run)}`).values()].map(
        (runs) => [
          targets[runs[0].at("task.target")],
          names[methodOf(runs[0])],
          ...steps.map((k) => format(runs.map(w2(k)))),
          format(runs.map(metric("w2Floor"))),
          format(runs.map(metric("straightness"))),
        ],
      ),
  },
  figure: {
    files: [file],
    draw: ([all]) => {
      const panels = Object.entries(targets).map(([target, title]) => {
        const runs = all.filter((run) => run.at("task.target") === target);
        const lines = [...groupBy(runs, methodOf)].flatMap(([method, group]) =>
          steps.map((k) => ({ k, method: names[method], y: mean(group.map(w2(k))) })),
        );
        const floor = mean(runs.map(metric("w2Floor")));
        const values = [...lines, ...steps.map((k) => ({ k, method: "floor", y: floor }))];
        return linePanel(title, values, {
          x: number("k", "steps", { scale: { type: "log" }, values: steps, format: "d" }),
          y: number("y", "W2"),
          color: series("method", [...Object.values(names), "floor"]),
        });
      });
      return row(...panels);
    },
  },
};
