import { groupBy } from "../../../../studies/support/group-by.js";
import { row } from "../../../../studies/papers/figures.js";
import { budgetClaims, budgetTables, normalClaims, variedClaims } from "./budget.js";
import { conditionalClaims, conditionalFigures, conditionalTables } from "./conditional.js";
import { imageClaims, imageFigures, imageTable } from "./images.js";
import {
  difference,
  lostByOneStep,
  metric,
  names,
  ownMean,
  stepPanels,
  stepTable,
  w2,
} from "./runs.js";
import { translationClaims, translationFigures, translationTables } from "./translation.js";

const file = "libs/methods/value-driven-transport/sweeps/transport.yaml";
const targets = {
  gaussians8: "eight modes",
  moons: "moons",
};
const targetOf = (run) => run.at("task.target");

/** Runs next to torchcfm. */
const peers = {
  file: "libs/methods/value-driven-transport/claims/flow-peers.js",
  time: "2 minutes",
};
const onSide = (runs, side, method) =>
  runs.filter((run) => run.at("side") === side && run.at("method") === method);

/** The claims on one target. */
function targetClaims(target) {
  const claimOf = (name, claim, quantity, measure, max) => ({
    name: `${name}-${target}`,
    claim: `${claim} (${targets[target]}).`,
    file,
    time: "5 minutes",
    reads: { "task.target": target },
    quantity,
    measure,
    expected: { max },
  });
  return [
    claimOf(
      "straight",
      "Paths are straight",
      "energy of the paths over that of straight ones",
      ownMean(metric("straightness")),
      1.05,
    ),
    claimOf(
      "few-steps",
      "One step generates nearly as well as a hundred",
      "W2 at 1 step minus W2 at 100 steps, over the floor",
      ownMean(lostByOneStep),
      0.1,
    ),
    claimOf(
      "one-step-flow",
      "With one step it is better than rectified flow without reflow (flow matching)",
      "W2 minus that of flow matching, paired",
      difference(w2(1), "flow-matching"),
      0,
    ),
    claimOf(
      "one-step-ot",
      "With one step it is better than OT-CFM",
      "W2 minus that of OT-CFM, paired",
      difference(w2(1), "ot-cfm"),
      0,
    ),
    claimOf(
      "many-steps-flow",
      "With many steps it is as good as flow matching",
      "W2 at 100 steps minus that of flow matching, paired",
      difference(w2(100), "flow-matching"),
      0.05,
    ),
  ];
}

export const paper = {
  name: "value-driven-transport",
  title: "Value-driven transport",
  claims: [
    ...Object.keys(targets).flatMap(targetClaims),
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
        isCheck: true,
        claim: `Our ${names[method]} is as good as torchcfm's.`,
        quantity: "W2 at 16 steps minus that of torchcfm, paired",
        measure: (all) => {
          const [ours, theirs] = ["fedclair", "torchcfm"].map((side) => onSide(all, side, method));
          return ours.map((run, i) => run.measures["w2.16"] - theirs[i].measures["w2.16"]);
        },
        expected: { max: 0.05 },
      }),
    ),
    ...budgetClaims,
    ...normalClaims,
    ...variedClaims,
    ...imageClaims,
    ...translationClaims,
    ...conditionalClaims,
  ],
  tables: {
    ...budgetTables,
    images: imageTable,
    ...translationTables,
    ...conditionalTables,
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
  table: stepTable(file, targets, targetOf),
  figure: { files: [file], draw: ([all]) => row(...stepPanels(all, targets, targetOf)) },
  figures: {
    ...imageFigures,
    ...translationFigures,
    ...conditionalFigures,
  },
};
