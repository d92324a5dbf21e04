// Claims on when rSpecT is infeasible, on edges of three filters, and on the slack.
import { mean } from "@fedclair/linalg";
import { perSeed, slope } from "../../../../studies/papers/runs.js";
import { groupBy } from "../../../../studies/support/group-by.js";
import { slacks } from "./condition.js";
import { filters } from "./problems.js";

const words = { lowpass: "low-pass", quadratic: "quadratically filtered", highpass: "high-pass" };
const metric = (name) => (run) => run.measures[name];
const shareOf = (runs, test) => ({ hits: runs.filter(test).length, of: runs.length });

const conditionFile = "libs/methods/graph-learning/claims/condition.js";
const isSample = (run) => run.at("signals") !== "Infinity";
/** The condition is ours, and so are the problems that it is computed for. */
const claimOf = (name, claim, part, quantity, measure, expected) => ({
  name,
  claim,
  file: conditionFile,
  reads: { part },
  isCheck: true,
  quantity,
  measure: (all) => measure(all.filter((run) => run.at("part") === part)),
  expected,
});

export const conditionClaims = [
  claimOf(
    "condition-samples",
    "The condition for infeasibility holds for sample covariances.",
    "condition",
    "covariances of 100 and 10,000 signals with which no graph commutes; two graph models, three filters, ten graphs",
    (runs) => shareOf(runs.filter(isSample), (run) => run.measures.condition === 1),
    { min: 0.9 },
  ),
  claimOf(
    "condition-true",
    "For true covariances it does not.",
    "condition",
    "true covariances with which no graph commutes; the same graphs and filters",
    (runs) =>
      shareOf(
        runs.filter((run) => !isSample(run)),
        (run) => run.measures.condition === 1,
      ),
    { max: 0.1 },
  ),
  claimOf(
    "condition-proves",
    "Where it holds, no graph has the slack that the condition excludes, and one has any larger slack.",
    "condition",
    "covariances whose least slack is the proven one to a thousandth",
    (runs) => {
      const held = runs.filter((run) => run.measures.condition === 1);
      return shareOf(held, (run) => Math.abs(run.measures.excess) <= 1e-3);
    },
    { min: 0.9 },
  ),
  claimOf(
    "alpha-scales",
    "Scaling: α and δ together only scale the graph, so α selects no edges.",
    "propositions",
    "largest difference over the largest weight, α = .1 and 10 against 1; two graph models, ten graphs",
    (runs) => shareOf(runs, (run) => run.measures.scaling <= 1e-2),
    { min: 0.8 },
  ),
  claimOf(
    "no-isolated",
    "No isolated node: each degree is above 0.",
    "propositions",
    "graphs whose least degree is above a tenth of the mean; the same graphs",
    (runs) => shareOf(runs, (run) => run.measures.leastDegree > 0.1),
    { min: 0.8 },
  ),
];

const modelFile = "libs/methods/graph-learning/claims/models.js";
/** Graphs from this number on are for the choice of options. */
const held = 101;
const optionOf = (run) => run.at("option");

/** Runs with the option that has the best mean on the graphs of the choice. */
function atBest(all, filter, method) {
  const own = all.filter((run) => run.at("filter") === filter && run.at("method") === method);
  const scores = [...groupBy(own, optionOf)].map(([option, runs]) => [
    option,
    mean(runs.filter(({ seed }) => seed >= held).map(metric("bestF"))),
  ]);
  const [best] = scores.reduce((one, other) => (other[1] > one[1] ? other : one));
  return own.filter((run) => run.seed < held && optionOf(run) === best);
}

/** Per graph: the mean best F over all slacks. */
function overSlacks(all, filter, method) {
  const own = all.filter(
    (run) => run.at("filter") === filter && run.at("method") === method && run.seed < held,
  );
  return perSeed(own, (runs) => mean(runs.map(metric("bestF"))));
}

const rivals = {
  spect: "rSpecT",
  lasso: "graphical lasso",
  smooth: "smooth signals",
};
/** The differences of two lists of values, in pairs. */
export const subtract = (first, second) => first.map((value, i) => value - second[i]);

export const modelClaims = filters.flatMap((filter) => [
  ...Object.entries(rivals).map(([short, rival]) => ({
    name: `${short}-${filter}`,
    claim: `It finds more edges than ${short === "smooth" ? "a model of smooth signals" : rival} does, from ${words[filter]} signals.`,
    file: modelFile,
    time: "2 minutes",
    quantity:
      "best F-measure minus that of the rival, each with options of held-out graphs; ten graphs",
    measure: (all) =>
      subtract(
        atBest(all, filter, "rLogSpecT").map(metric("bestF")),
        atBest(all, filter, rival).map(metric("bestF")),
      ),
    expected: { min: 0 },
  })),
  {
    name: `stable-${filter}`,
    claim: `It depends less on the slack than rSpecT does, for ${words[filter]} signals.`,
    file: modelFile,
    time: "2 minutes",
    quantity:
      "best F-measure, mean over six c0, minus that of rSpecT, which is 0 without a graph; ten graphs",
    measure: (all) =>
      subtract(overSlacks(all, filter, "rLogSpecT"), overSlacks(all, filter, "rSpecT")),
    expected: { min: 0 },
  },
]);

const ownFile = "libs/methods/graph-learning/claims/own-solvers.js";
const nodesOf = (run) => Number(run.at("nodes"));
const seconds = metric("seconds");
const solvedBy = (all, solver) => all.filter((run) => run.at("solver") === solver);

/** Per graph: the slope of log seconds over log nodes. */
const growth = (all, solver, least = 0) =>
  perSeed(solvedBy(all, solver), (runs) =>
    slope(
      runs
        .filter((run) => nodesOf(run) >= least)
        .map((run) => [Math.log(nodesOf(run)), Math.log(seconds(run))]),
    ),
  );
const timed = { file: ownFile, time: "2 minutes", isTimed: true };

/** The log10 of the seconds of L-ADMM over those of the interior-point method, for each graph. */
const logRatio = (nodes) => (all) => {
  const [own, other] = ["ladmm", "interior"].map((solver) =>
    solvedBy(all, solver).filter((run) => nodesOf(run) === nodes),
  );
  return own.map((run, i) => Math.log10(seconds(run) / seconds(other[i])));
};

export const ownSolverClaims = [
  {
    ...timed,
    name: "ladmm-own",
    claim: "L-ADMM is faster than an interior-point method in the same language.",
    quantity:
      "log10 of the seconds of L-ADMM over those of the interior-point method, 40 nodes; five graphs",
    measure: logRatio(40),
    expected: { max: 0 },
  },
  {
    ...timed,
    name: "ladmm-own-growth",
    claim: "Its time grows more slowly than that of this method.",
    quantity:
      "slope of log seconds over log nodes, 10 to 40, minus that of the method; five graphs",
    measure: (all) => subtract(growth(all, "ladmm"), growth(all, "interior")),
    expected: { max: 0 },
  },
  {
    ...timed,
    name: "ladmm-iteration",
    claim: "An iteration of L-ADMM takes no longer than two products of matrices: cubic time.",
    isCheck: true,
    quantity: "slope of log seconds of an iteration over log nodes, 50 to 400; five graphs",
    measure: (all) => growth(all, "iteration", 50),
    expected: { max: 3.2 },
  },
];

const large = { file: "libs/methods/graph-learning/claims/large.js", time: "9 minutes" };

export const largeClaims = [
  {
    ...large,
    name: "ladmm-large",
    isTimed: true,
    claim: "To a gap of 1 %, L-ADMM is faster than the interior-point method with 60 nodes.",
    quantity: "log10 of the seconds of L-ADMM over those of the interior-point method; five graphs",
    measure: logRatio(60),
    expected: { max: 0 },
  },
];

export const theoryTables = {
  large: {
    files: [large.file],
    columns: [
      "nodes",
      ...["L-ADMM", "E-ADMM", "interior point"].flatMap((name) => [
        `${name}, iterations`,
        "seconds",
      ]),
    ],
    rows: ([all], format) =>
      [...groupBy(all, nodesOf)].map(([nodes, runs]) => [
        String(nodes),
        ...["ladmm", "eadmm", "interior"].flatMap((solver) => {
          const own = solvedBy(runs, solver);
          return ["iterations", "seconds"].map((name) =>
            own.length === 0 ? "" : format(own.map(metric(name))),
          );
        }),
      ]),
  },
  condition: {
    files: [conditionFile],
    columns: [
      "graph",
      "filter",
      "signals",
      "condition holds",
      "least slack",
      ...slacks.map((c0) => `infeasible at c0 = ${c0}`),
    ],
    rows: ([all], format) =>
      [
        ...groupBy(
          all.filter((run) => run.at("part") === "condition"),
          (run) => [run.at("graph"), run.at("filter"), run.at("signals")].join(),
        ).values(),
      ].map((runs) => {
        const [run] = runs;
        const count = (name) =>
          `${runs.filter((one) => one.measures[name] === 1).length} of ${runs.length}`;
        return [
          run.at("graph"),
          words[run.at("filter")],
          isSample(run) ? Number(run.at("signals")).toLocaleString("en") : "true covariance",
          count("condition"),
          isSample(run) ? format(runs.map(metric("deltaMin"))) : "0",
          ...slacks.map((c0) => (isSample(run) ? count(`infeasible.${c0}`) : "")),
        ];
      }),
  },
  identified: {
    files: [conditionFile],
    columns: ["graph", "distinct eigenvalues", "one dimension of graphs", "most dimensions"],
    rows: ([all]) =>
      [
        ...groupBy(
          all.filter((run) => run.at("part") === "identified"),
          (run) => run.at("graph"),
        ),
      ].map(([graph, runs]) => [
        graph,
        `${runs.filter((run) => run.measures.distinct === 1).length} of ${runs.length}`,
        `${runs.filter((run) => run.measures.dimensions === 1).length} of ${runs.length}`,
        String(Math.max(...runs.map(metric("dimensions")))),
      ]),
  },
  slack: {
    files: [modelFile],
    columns: ["signals", "c0", "rLogSpecT, best F", "rSpecT, best F", "rSpecT has a graph"],
    rows: ([all], format) =>
      filters.flatMap((filter) => {
        const own = all.filter((run) => run.at("filter") === filter && run.seed < held);
        const of = (method) => own.filter((run) => run.at("method") === method);
        return [...groupBy(of("rLogSpecT"), optionOf)].map(([c0, runs]) => {
          const others = of("rSpecT").filter((run) => optionOf(run) === c0);
          const graphs = others.filter((run) => run.measures.solved === 1);
          return [
            words[filter],
            c0,
            format(runs.map(metric("bestF"))),
            graphs.length === 0 ? "" : format(graphs.map(metric("bestF"))),
            `${graphs.length} of ${others.length}`,
          ];
        });
      }),
  },
  models: {
    files: [modelFile],
    columns: ["signals", "rLogSpecT", ...Object.values(rivals), "correlations"],
    rows: ([all], format) =>
      filters.map((filter) => [
        words[filter],
        ...["rLogSpecT", ...Object.values(rivals), "correlations"].map((method) =>
          format(atBest(all, filter, method).map(metric("bestF"))),
        ),
      ]),
  },
  own: {
    files: [ownFile],
    columns: [
      "nodes",
      "L-ADMM, iterations",
      "seconds",
      "interior point, iterations",
      "seconds",
      "seconds an iteration of L-ADMM",
    ],
    rows: ([all], format) =>
      [...groupBy(all, nodesOf)]
        .sort(([one], [other]) => one - other)
        .map(([nodes, runs]) => {
          const cell = (solver, name) => {
            const own = solvedBy(runs, solver).map(metric(name));
            return own.length === 0 ? "" : format(own);
          };
          return [
            String(nodes),
            ...["ladmm", "interior"].flatMap((solver) => [
              cell(solver, "iterations"),
              cell(solver, "seconds"),
            ]),
            cell("iteration", "seconds"),
          ];
        }),
  },
};
