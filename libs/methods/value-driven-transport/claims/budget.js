// Claims on value-driven transport beside five rivals with one budget.
import { groupBy } from "../../../../studies/support/group-by.js";
import { names } from "./runs.js";

const file = "libs/methods/value-driven-transport/claims/rivals.js";
const titles = { ...names, reflow: "reflow", diffusion: "a diffusion model" };
const places = {
  moons: "moons",
  scurve: "s-curve",
  modes: "eight modes",
  translated: "moons to eight modes",
};
const dimensions = ["2", "32", "256"];

const metric = (name) => (run) => run.measures[name];
const at = (all, target, method) =>
  all.filter((run) => run.at("target") === target && run.at("method") === method);
/** Per seed: a quantity of value-driven transport minus that of a rival. */
const difference = (all, target, rival, quantity) => {
  const others = at(all, target, rival).map(quantity);
  return at(all, target, "value").map((run, i) => quantity(run) - others[i]);
};
const over = (quantity, base) => (run) => quantity(run) / metric(base)(run);
/** W2 lost by noise at the start, over the floor. */
const lostByNoise = over((run) => metric("noisy")(run) - metric("w2.20")(run), "floor");

const claimOf = (name, claim, quantity, measure, expected) => ({
  name,
  claim,
  file,
  time: "8 minutes",
  quantity,
  measure,
  expected,
});

export const budgetClaims = [
  ...Object.entries(places).flatMap(([short, target]) => {
    const rivals = Object.keys(titles).filter(
      (method) => method !== "value" && (method !== "diffusion" || short !== "translated"),
    );
    return [
      ...rivals.map((rival) =>
        claimOf(
          `straighter-${rival}-${short}`,
          `Its paths are straighter than those of ${titles[rival]} (${target}).`,
          "energy of the paths over that of straight ones, minus that of the rival at the same starts",
          (all) => difference(all, target, rival, metric("byEnergy")),
          { max: 0 },
        ),
      ),
      ...rivals
        .filter((rival) => ["reflow", "diffusion"].includes(rival))
        .map((rival) =>
          claimOf(
            `quicker-${rival}-${short}`,
            `With one step it is better than ${titles[rival]} (${target}).`,
            "W2 at 1 step minus that of the rival, paired",
            (all) => difference(all, target, rival, metric("w2.1")),
            { max: 0 },
          ),
        ),
      claimOf(
        `noise-${short}`,
        `Noise at the start costs it little (${target}).`,
        "W2 from starts with noise of .3 minus W2 without, over the floor",
        (all) => at(all, target, "value").map(lostByNoise),
        { max: 0.2 },
      ),
      claimOf(
        `duality-${short}`,
        `Its values prove most of the linear program's optimum (${target}).`,
        "duality gap: one minus the value proven by V over W2²/2 of the same points",
        (all) => at(all, target, "value").map(metric("dualityGap")),
        { max: 0.25 },
      ),
    ];
  }),
];

const normal = { file: "libs/methods/value-driven-transport/claims/normal.js", time: "2 minutes" };

const nearer = (d, name, rival, words) => ({
  ...normal,
  isOwn: true,
  name: `${name}-${d}`,
  claim: `In ${d} dimensions it is nearer to the optimal map of a normal distribution than ${words}.`,
  quantity: `error of the points in 20 steps, over the optimal moves, minus that of ${words}`,
  measure: (all) => difference(all, d, rival, metric("error.20")),
  expected: { max: 0 },
});

export const normalClaims = dimensions.flatMap((d) => [
  nearer(d, "optimal-map-flow", "flow-matching", "flow matching"),
  nearer(d, "optimal-map", "ot-cfm", "OT-CFM"),
]);

const varied = {
  isOwn: true,
  file: "libs/methods/value-driven-transport/claims/varied.js",
  time: "1 minute",
};
const sizes = ["50", "200", "800", "4000"];
const ofSize = (all, size, method) =>
  all.filter((run) => run.at("size") === size && run.at("method") === method);
const differenceAt = (all, size, quantity) => {
  const others = ofSize(all, size, "ot-cfm").map(quantity);
  return ofSize(all, size, "value").map((run, i) => quantity(run) - others[i]);
};

export const variedClaims = [
  ...["50", "4000"].map((size) => ({
    ...varied,
    name: `data-${size}`,
    claim: `From ${size} points it is as good as OT-CFM (eight modes).`,
    quantity: "W2 in ten steps minus that of OT-CFM, over the floor, paired",
    measure: (all) => differenceAt(all, size, over(metric("w2"), "floor")),
    expected: { max: 0.05 },
  })),
  {
    ...varied,
    name: "other-source",
    claim: "From another source than in training it is as good as OT-CFM (eight modes).",
    quantity: "W2 from uniform points of the same variance minus that of OT-CFM, over the floor",
    measure: (all) => differenceAt(all, "4000", over(metric("otherSource"), "floor")),
    expected: { max: 0.05 },
  },
];

export const budgetTables = {
  varied: {
    files: [varied.file],
    columns: ["points", "method", "W2", "from uniform points", "floor"],
    rows: ([all], format) =>
      sizes.flatMap((size) =>
        ["value", "ot-cfm"].map((method) => {
          const runs = ofSize(all, size, method);
          const shown = ["w2", "otherSource", "floor"].map(metric);
          return [size, titles[method], ...shown.map((quantity) => format(runs.map(quantity)))];
        }),
      ),
  },
  rivals: {
    files: [file],
    columns: [
      "target",
      "method",
      "W2, 1",
      "4",
      "20",
      "with noise",
      "floor",
      "path energy",
      "W2² of the points",
      "straightness, energy",
      "length",
    ],
    rows: ([all], format) =>
      Object.values(places).flatMap((target) =>
        [
          ...groupBy(
            all.filter((run) => run.at("target") === target),
            (run) => run.at("method"),
          ),
        ].map(([method, runs]) => [
          target,
          titles[method],
          ...[
            "w2.1",
            "w2.4",
            "w2.20",
            "noisy",
            "floor",
            "energy",
            "optimum",
            "byEnergy",
            "byLength",
          ].map((name) => format(runs.map(metric(name)))),
        ]),
      ),
  },
  dimensions: {
    files: [normal.file],
    columns: [
      "dimensions",
      "method",
      "error, 1 step",
      "20 steps",
      "fall of V",
      "milliseconds a step of training",
    ],
    rows: ([all], format) =>
      [...groupBy(all, (run) => run.at("target"))].flatMap(([d, ofTarget]) =>
        [...groupBy(ofTarget, (run) => run.at("method"))].map(([method, runs]) => [
          d,
          { ...titles, unscaled: "value-driven, not scaled" }[method],
          ...["error.1", "error.20", "fall", "milliseconds"].map((name) =>
            runs.every(({ measures }) => name in measures) ? format(runs.map(metric(name))) : "",
          ),
        ]),
      ),
  },
};
