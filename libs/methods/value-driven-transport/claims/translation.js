// Unpaired translation by value-driven transport, next to flows.
import { groupBy } from "../../../../studies/support/group-by.js";
import { readComponents, writeClasses } from "../../../../studies/papers/data.js";
import { strips } from "../../../../studies/papers/figures.js";
import { drawGenerated, drawTrue, startsFrom, stripSize } from "./samples.js";
import { drawPaths } from "./paths.js";
import { difference, methodOf, metric, names, overFloor, ownMean, w2 } from "./runs.js";

const basis = "digits-pca-8.csv";

/** Reads the method of a run whose sweep is a list of tasks from the label of its task. */
const named = (run) => {
  const [, method] = /method ([\w-]+)/.exec(run.at("task"));
  return { ...run, at: (path) => (path === "task.method" ? method : run.at(path)) };
};
const isOfDigits = (run) => run.at("task").includes("digits-");
const onDigits = (all) => all.filter(isOfDigits).map(named);
const inPlane = (all) => all.filter((run) => !isOfDigits(run)).map(named);

const translation = {
  file: "libs/methods/value-driven-transport/sweeps/transport-translation.yaml",
  time: "3 minutes",
  prepare: writeClasses,
};
const sets = { moons: "moons to an s-curve", digits: "digits 3 to 8" };

const near = (select) => ({
  ...translation,
  name: "translation-moons-near",
  claim: `It moves points of ${sets.moons} no further than optimal transport does.`,
  quantity:
    "squared length of the moves over that of the cheapest pairing of the same starts and ends",
  measure: (all) => ownMean(metric("optimality"))(select(all)),
  expected: { max: 1.02 },
});

/** The abstract says that translation is easy to add, and compares it with no rival. */
export const translationClaims = Object.entries({ moons: inPlane, digits: onDigits }).flatMap(
  ([set, select]) => [
    {
      ...translation,
      isOwn: true,
      name: `translation-${set}`,
      claim: `Without pairs it translates ${sets[set]} better than flow matching, in one step.`,
      quantity: "W2 at 1 step minus that of flow matching, paired",
      measure: (all) => difference(w2(1), "flow-matching")(select(all)),
      expected: { max: 0 },
    },
    {
      ...translation,
      isOwn: true,
      name: `translation-${set}-many`,
      claim: `With many steps, it translates ${sets[set]} as well as flow matching.`,
      quantity: "W2 at 100 steps minus that of flow matching, over the floor, paired",
      measure: (all) => difference(overFloor(w2(100)), "flow-matching")(select(all)),
      expected: { max: 0.05 },
    },
    // Points of digits have 8 coordinates, and no method could move them any further.
    ...(set === "digits" ? [] : [near(select)]),
  ],
);

export const translationTables = {
  translation: {
    files: [translation.file],
    columns: ["from, to", "method", "W2, 1", "W2, 4", "W2, 100", "floor", "optimality"],
    rows: ([all], format) =>
      Object.entries({ moons: inPlane, digits: onDigits }).flatMap(([set, select]) =>
        [...groupBy(select(all), methodOf)].map(([method, runs]) => [
          sets[set],
          names[method],
          ...[w2(1), w2(4), w2(100), metric("w2Floor"), metric("optimality")].map((quantity) =>
            format(runs.map(quantity)),
          ),
        ]),
      ),
  },
};

export const translationFigures = {
  paths: {
    files: [translation.file],
    draw: ([all]) =>
      drawPaths(inPlane(all).filter((run) => run.seed === 1 && methodOf(run) !== "ot-cfm")),
    moves: true,
  },
  translation: {
    files: [translation.file],
    draw: async ([all]) => {
      const [threes, eights] = [
        await readComponents("digits-3.csv", basis),
        await readComponents("digits-8.csv", basis),
      ];
      const rows = [drawTrue("true threes, the starts", threes)];
      for (const run of onDigits(all).filter(({ seed }) => seed === 1)) {
        const starts = startsFrom(threes.points, eights);
        for (const steps of [1, 100]) rows.push(await drawGenerated(run, eights, starts, steps));
      }
      return strips([...rows, drawTrue("true eights", eights)], stripSize);
    },
  },
};
