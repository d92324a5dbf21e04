import { linePanel, number, row, series } from "./figures.js";
import { mean } from "@fedclair/runs";
import { groupBy } from "../group-by.js";
import { perSeed } from "./runs.js";

const file = "sweeps/papers/transport.yaml";
const names = {
  value: "value-driven",
  "flow-matching": "flow matching",
  "ot-cfm": "OT-CFM",
  "sb-cfm": "SB-CFM",
};
/** The methods of the sweep. */
const compared = ["value", "flow-matching", "ot-cfm"];
const targets = {
  gaussians8: "eight modes",
  moons: "moons",
};
const steps = [1, 2, 4, 16, 100];

const peers = { file: "scripts/papers/flow-peers.js", time: "2 minutes" };

const onSide = (runs, side, method) =>
  runs.filter((run) => run.at("side") === side && run.at("method") === method);

const metric = (name) => (run) => run.measures[`global.${name}.fedavg`];
const w2 = (k) => metric(`w2Steps.${k}`);
const methodOf = (run) => run.at("task.method");

const onTarget = (runs, target) => runs.filter((run) => run.at("task.target") === target);
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
      "energy of the paths over that of straight ones; two targets",
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
    {
      ...peers,
      name: "one-step-bridge",
      claim: "With one step it is better than a Schrödinger bridge (torchcfm's SB-CFM).",
      quantity: "W2 minus that of SB-CFM, eight modes, paired",
      measure: (all) => {
        const bridge = onSide(all, "torchcfm", "sb-cfm");
        return onSide(all, "fedclair", "value").map(
          (run, i) => run.measures["w2.1"] - bridge[i].measures["w2.1"],
        );
      },
      expected: { max: 0 },
    },
    ...Object.entries({ flow: "flow-matching", ot: "ot-cfm", sb: "sb-cfm" }).map(
      ([short, method]) => ({
        ...peers,
        name: `torchcfm-${short}`,
        claim: `Our ${names[method]} is as good as torchcfm's.`,
        quantity: "W2 at 16 steps minus that of torchcfm, paired",
        measure: (all) => {
          const [ours, theirs] = ["fedclair", "torchcfm"].map((side) => onSide(all, side, method));
          return ours.map((run, i) => run.measures["w2.16"] - theirs[i].measures["w2.16"]);
        },
        expected: { max: 0.05 },
      }),
    ),
  ],
  tables: {
    peers: {
      files: [peers.file],
      columns: [
        "method",
        ...["fedclair", "torchcfm"].flatMap((side) => [
          `${side}: W2, 1`,
          "W2, 16",
          "milliseconds a step",
        ]),
      ],
      rows: ([all], format) =>
        [...groupBy(all, (run) => run.at("method"))].map(([method, runs]) => [
          names[method],
          ...["fedclair", "torchcfm"].flatMap((side) => {
            const own = runs.filter((run) => run.at("side") === side);
            const of = (name, scale = 1) =>
              own.length === 0 ? "" : format(own.map((run) => scale * run.measures[name]));
            return [of("w2.1"), of("w2.16"), of("secondsPerStep", 1000)];
          }),
        ]),
    },
  },
  table: {
    files: [file],
    columns: ["target", "method", ...steps.map((k) => `W2, ${k}`), "floor", "straightness"],
    rows: ([all], format) =>
      Object.keys(targets).flatMap((target) =>
        [...groupBy(onTarget(all, target), methodOf)].map(([method, runs]) => [
          targets[target],
          names[method],
          ...steps.map((k) => format(runs.map(w2(k)))),
          format(runs.map(metric("w2Floor"))),
          format(runs.map(metric("straightness"))),
        ]),
      ),
  },
  figure: {
    files: [file],
    draw: ([all]) => {
      const panels = Object.entries(targets).map(([target, title]) => {
        const runs = onTarget(all, target);
        const lines = [...groupBy(runs, methodOf)].flatMap(([method, group]) =>
          steps.map((k) => ({ k, method: names[method], y: mean(group.map(w2(k))) })),
        );
        const floor = mean(runs.map(metric("w2Floor")));
        const values = [...lines, ...steps.map((k) => ({ k, method: "floor", y: floor }))];
        return linePanel(title, values, {
          x: number("k", "steps", { scale: { type: "log" }, values: steps, format: "d" }),
          y: number("y", "W2"),
          color: series("method", [...compared.map((method) => names[method]), "floor"]),
        });
      });
      return row(...panels);
    },
  },
};
