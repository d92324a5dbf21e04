// Value-driven transport to images in principal components, next to flows.
import { readComponents, writeComponents } from "../../../../studies/papers/data.js";
import { row, strips } from "../../../../studies/papers/figures.js";
import { drawGenerated, drawTrue, normalStarts, stripSize } from "./samples.js";
import {
  difference,
  lostByOneStep,
  metric,
  names,
  overFloor,
  ownMean,
  stepPanels,
  stepTable,
  w2,
} from "./runs.js";

const file = "libs/methods/value-driven-transport/sweeps/transport-images.yaml";
const targets = {
  digits: "digits, 8 components",
  fashion: "Fashion-MNIST, 32 components",
};
const targetOf = (run) => /digits|fashion/.exec(run.at("task.target.file"))[0];
const onTarget = (all, target) => all.filter((run) => targetOf(run) === target);

const claimsOn = (target) => {
  const claimOf = (name, claim, quantity, measure, expected) => ({
    name: `${target}-${name}`,
    claim: `${claim} (${targets[target]}).`,
    file,
    time: "8 minutes",
    prepare: writeComponents,
    quantity,
    measure: (all) => measure(onTarget(all, target)),
    expected,
  });
  return [
    claimOf(
      "straight",
      "Paths are straight",
      "energy of the paths over that of straight ones",
      ownMean(metric("straightness")),
      { max: 1.05 },
    ),
    claimOf(
      "few-steps",
      "One step generates nearly as well as a hundred",
      "W2 at 1 step minus W2 at 100 steps, over the floor",
      ownMean(lostByOneStep),
      { max: 0.1 },
    ),
    ...Object.entries({ flow: "flow-matching", ot: "ot-cfm", sb: "sb-cfm" }).map(([short, other]) =>
      claimOf(
        `one-step-${short}`,
        `With one step it is better than ${names[other]}`,
        `W2 minus that of ${names[other]}, paired`,
        difference(w2(1), other),
        { max: 0 },
      ),
    ),
    claimOf(
      "many-steps-flow",
      "With many steps it is as good as flow matching",
      "W2 at 100 steps minus that of flow matching, over the floor, paired",
      difference(overFloor(w2(100)), "flow-matching"),
      { max: 0.05 },
    ),
  ];
};

export const imageClaims = Object.keys(targets).flatMap(claimsOn);

export const imageTable = stepTable(file, targets, targetOf);

export const imageFigures = {
  images: { files: [file], draw: ([all]) => row(...stepPanels(all, targets, targetOf)) },
  samples: {
    files: [file],
    draw: async ([all]) => {
      const set = await readComponents("fashion-pca-32.csv");
      const rows = [drawTrue("true images", set)];
      for (const run of onTarget(all, "fashion").filter(({ seed }) => seed === 1)) {
        for (const steps of [1, 100]) {
          rows.push(await drawGenerated(run, set, normalStarts(set), steps));
        }
      }
      return strips(rows, stripSize);
    },
  },
};
