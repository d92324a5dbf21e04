// Conditional generation and guidance by value-driven transport, next to flows.
import { groupBy } from "../../../../studies/support/group-by.js";
import { readComponents, writeClasses } from "../../../../studies/papers/data.js";
import { strips } from "../../../../studies/papers/figures.js";
import { drawPoints, drawScaled, sizeOf } from "./samples.js";
import { names } from "./runs.js";

const conditional = {
  file: "libs/methods/value-driven-transport/claims/conditional-flows.js",
  time: "5 minutes",
  prepare: writeClasses,
};
const sets = { modes: "eight modes", digits: "digits, 8 components" };

const methodOf = (run) => run.at("method");
const onSet = (all, set) => all.filter((run) => run.at("target") === set);
const metric = (name) => (run) => run.measures[name];
/** Reads a quantity with a weight of guidance. */
const guided = (name, weight = 0) => metric(`${name}.${weight}`);
/** W2 per class in k steps without guidance, or in the ten steps of training. */
const w2 = (k) => guided(k === undefined ? "w2" : `classW2Steps.${k}`);
const overFloor = (quantity) => (run) => quantity(run) / metric("w2Floor")(run);
const minus = (one, other) => (run) => one(run) - other(run);
const ofMethod = (runs, method) => runs.filter((run) => methodOf(run) === method);
/** A quantity of the value method by seed, and minus that of a flow. */
const own = (quantity) => (runs) => ofMethod(runs, "value").map(quantity);
const minusFlow = (quantity, method) => (runs) => {
  const flows = ofMethod(runs, method).map(quantity);
  return own(quantity)(runs).map((value, i) => value - flows[i]);
};
const flows = { "": "flow-matching", "-ot": "ot-cfm" };

/**
 * The abstract says that requests and guidance are easy to add, and compares neither with rivals.
 * Bounds are away from 0, or 1 for a ratio: a network that ignores requests measures these.
 */
const claimsOn = ([set, title]) => {
  const claimOf = (name, claim, quantity, measure, expected) => ({
    ...conditional,
    isOwn: /floor|steps?|guidance-/.test(name),
    name: `${name}-${set}`,
    claim: `${claim} (${title}).`,
    quantity,
    measure: (all) => measure(onSet(all, set)),
    expected,
  });
  return [
    claimOf(
      "conditional",
      "Asked for a class, it generates this class",
      "W2 from true points of the class minus that of the same network without a class, over the floor",
      own(overFloor(minus(w2(), metric("anyClassW2")))),
      { max: -0.25 },
    ),
    claimOf(
      "conditional-floor",
      "Its points of a class are nearly as near to true ones as true ones are",
      "W2 per class over the floor",
      own(overFloor(w2())),
      { max: 1.25 },
    ),
    claimOf(
      "conditional-straight",
      "Paths to a class are straight",
      "energy of the paths over that of straight ones, averaged over classes",
      own(guided("straightness")),
      { max: 1.05 },
    ),
    ...Object.entries(flows).flatMap(([end, method]) => [
      claimOf(
        `conditional-one-step${end}`,
        `Asked for a class, it is better than ${names[method]} in one step`,
        `W2 per class minus that of ${names[method]}, paired`,
        minusFlow(w2(1), method),
        { max: 0 },
      ),
      claimOf(
        `conditional-many-steps${end}`,
        `Asked for a class, it is as good as ${names[method]} in many steps`,
        `W2 per class at 16 steps minus that of ${names[method]}, over the floor, paired`,
        minusFlow(overFloor(w2(16)), method),
        { max: 0.05 },
      ),
    ]),
    claimOf(
      "guidance",
      "With guidance, more points are at the requested class",
      "share of points nearest to the mean of the class, with guidance 1 minus without",
      own(minus(guided("accuracy", 1), guided("accuracy"))),
      { min: 0.005 },
    ),
    claimOf(
      "guidance-spread",
      "Guidance costs spread",
      "deviation within a class, with guidance 1 over that without",
      own((run) => guided("deviation", 1)(run) / guided("deviation")(run)),
      { max: 0.95 },
    ),
    claimOf(
      "guidance-w2",
      "With guidance, points of a class are nearer to true ones",
      "W2 per class with guidance 1 minus that without, over the floor",
      own(overFloor(minus(guided("w2", 1), w2()))),
      { max: -0.05 },
    ),
  ];
};

export const conditionalClaims = Object.entries(sets).flatMap(claimsOn);

/** Weights of guidance in the table; the claims are on the last. */
const weights = [0, 0.5, 1];

/** Lists sets with their title and their runs by method. */
const listSets = (all) =>
  Object.entries(sets).map(([set, title]) => [title, [...groupBy(onSet(all, set), methodOf)]]);

export const conditionalTables = {
  classes: {
    files: [conditional.file],
    columns: ["target", "method", "W2 per class, 1", "4", "10", "16", "floor", "without a class"],
    rows: ([all], format) =>
      listSets(all).flatMap(([title, methods]) =>
        methods.map(([method, runs]) => {
          const shown = [w2(1), w2(4), w2(), w2(16), metric("w2Floor"), metric("anyClassW2")];
          return [title, names[method], ...shown.map((quantity) => format(runs.map(quantity)))];
        }),
      ),
  },
  guidance: {
    files: [conditional.file],
    columns: ["target", "points", "g", "at the class", "deviation", "W2 per class", "straightness"],
    rows: ([all], format) =>
      listSets(all).flatMap(([title, methods]) => {
        // The true points of a seed are the same for all methods.
        const [[, some]] = methods;
        const truth = ["trueAccuracy", "trueDeviation", "w2Floor"].map(metric);
        const line = (runs, shown) => shown.map((quantity) => format(runs.map(quantity)));
        return [
          [title, "true", "", ...line(some, truth), ""],
          ...methods.flatMap(([method, runs]) =>
            weights.map((weight) => {
              const measured = ["accuracy", "deviation", "w2", "straightness"];
              const shown = measured.map((name) => guided(name, weight));
              return [title, names[method], weight, ...line(runs, shown)];
            }),
          ),
        ];
      }),
  },
};

export const conditionalFigures = {
  classes: {
    files: [conditional.file],
    draw: async ([all]) => {
      const set = await readComponents("digits-classes.csv", "digits-pca-8.csv");
      const runs = onSet(all, "digits").filter(({ seed }) => seed === 1);
      // As many of each digit as a run has.
      const [{ plain }] = runs;
      const digits = [...new Set(set.labels)].sort();
      const trueOnes = digits.flatMap((digit, k) =>
        set.points.filter((_, i) => set.labels[i] === digit).slice(0, plain[k].length),
      );
      const rows = [drawPoints("true digits", set, trueOnes)];
      for (const run of runs) {
        for (const [label, ends] of [
          ["1 step", run.quick],
          ["10 steps", run.plain],
          ["10, guided", run.guided],
        ]) {
          rows.push(drawScaled(`${names[methodOf(run)]}, ${label}`, set, ends.flat()));
        }
      }
      return strips(rows, sizeOf(trueOnes.length));
    },
  },
};
