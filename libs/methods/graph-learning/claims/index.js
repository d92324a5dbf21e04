import { mean } from "@fedclair/linalg";
import { linePanel, number, row, series } from "../../../../studies/papers/figures.js";
import { groupBy } from "../../../../studies/support/group-by.js";
import { fetchFederations } from "../../../../studies/papers/data.js";
import { perSeed, slope } from "../../../../studies/papers/runs.js";
import {
  conditionClaims,
  largeClaims,
  modelClaims,
  ownSolverClaims,
  subtract,
  theoryTables,
} from "./theory.js";

const main = (name) => (run) => run.measures[`global.${name}.fedavg`];
const graphOf = (run) => run.at("task.dataSeed");
const perGraph = (runs, compute) => [...groupBy(runs, graphOf).values()].map(compute);

/** Signals of all clients, which hold a hundred each. */
const signalsOf = (run) => 100 * Number(run.at("clients"));
/** The theorem's rate of the distance from the true graph. */
const rate = (n) => Math.sqrt(Math.log(n) / n);

/** The filters of the sweeps, and their words. */
const filtered = { lowpass: "low-pass", quadratic: "quadratically filtered" };

/** The runs with the tight slack, at which the models differ most. */
const tight = (runs) => runs.filter((run) => run.at("task.c0") === "0.001");

const feasible = "libs/methods/graph-learning/sweeps/logspect-feasible.yaml";
const samples = "libs/methods/graph-learning/sweeps/logspect-samples.yaml";
const ladmm = "libs/methods/graph-learning/sweeps/logspect-ladmm.yaml";
const isLadmm = (run) => run.at("task.solver") === "ladmm";

const roads = {
  file: "libs/methods/graph-learning/sweeps/logspect-roads.yaml",
  time: "2 minutes",
  prepare: () =>
    fetchFederations(Array.from({ length: 5 }, (_, part) => `minnesota-${part + 1}.csv`)),
};
const solvers = { file: "libs/methods/graph-learning/claims/solvers.js", time: "3 minutes" };

const bestF = main("bestF");
const correlationF = main("correlationBestF");
const withFilter = (runs, filter) => runs.filter((run) => labelOf(run).includes(filter));

/** The options of a run, without the graph or set of signals, which come in the same order. */
function labelOf(run) {
  const options = [run.at("task"), run.at("task.filter")].join(" ").trim();
  return options.replace(/, dataSeed \d+| #\d+$/g, "");
}

/** Runs by their options; each group has one run per graph or set of signals, in their order. */
const byOptions = (runs) => [...groupBy(runs, labelOf).values()];

const seconds = (run) => run.measures.seconds;
const solvedBy = (runs, solver) => runs.filter((run) => run.at("solver") === solver);
const nodesOf = (run) => Number(run.at("nodes"));

/** Per graph: the slope of log seconds over log nodes. */
const growthOf = (runs, solver) =>
  perSeed(solvedBy(runs, solver), (group) =>
    slope(group.map((run) => [Math.log(nodesOf(run)), Math.log(seconds(run))])),
  );

const beatsOnRoads = (filter, words) => ({
  ...roads,
  name: `roads-${filter}`,
  claim: `On Minnesota's roads it finds more edges than correlations do, ${words}.`,
  quantity:
    "best F-measure minus that of correlations, 100,000 signals; five parts of 50 crossings",
  measure: (all) => withFilter(all, filter).map((run) => bestF(run) - correlationF(run)),
  expected: { min: 0 },
});

export const paper = {
  name: "graph-learning",
  title: "LogSpecT and L-ADMM",
  claims: [
    ...Object.entries(filtered).flatMap(([filter, words]) => {
      const ofFilter = (all) => tight(all).filter((run) => run.at("task.filter") === filter);
      return [
        {
          name: `spect-infeasible-${filter}`,
          claim: `SpecT for sample covariances of ${words} signals is often infeasible if its slack is small.`,
          file: feasible,
          quantity: "problems at c0 = 0.001 that have no solution; three sizes, ten graphs",
          measure: (all) => {
            const runs = ofFilter(all);
            const hits = runs.filter((run) => main("rspectFeasible")(run) === 0).length;
            return { hits, of: runs.length };
          },
          expected: { min: 0.5 },
        },
        {
          name: `logspect-feasible-${filter}`,
          claim: `rLogSpecT is always feasible, for ${words} signals.`,
          isCheck: true,
          file: feasible,
          quantity: "the same problems: a graph without isolated nodes is found within the slack",
          measure: (all) => {
            const runs = ofFilter(all);
            // An objective that is not finite is not among the measures.
            const hits = runs.filter((run) => "global.objective.fedavg" in run.measures).length;
            return { hits, of: runs.length };
          },
          expected: { min: 0.85 },
        },
      ];
    }),
    {
      name: "recovery",
      claim: "rLogSpecT recovers the graph from enough signals.",
      file: samples,
      quantity: "F-measure from 102,400 signals; ten graphs",
      measure: (runs) =>
        runs.filter((run) => run.at("clients") === "1024").map((run) => main("f")(run)),
      expected: { min: 0.95 },
    },
    {
      name: "rate",
      isCheck: true,
      claim: "The truncated Hausdorff distance of the solutions falls at least as √(log n/n).",
      file: samples,
      quantity: "slope of log distance over log √(log n/n); ten graphs",
      measure: (all) =>
        perGraph(all, (runs) =>
          slope(
            runs.map((run) => [
              Math.log(rate(signalsOf(run))),
              Math.log(main("relativeError")(run)),
            ]),
          ),
        ),
      expected: { min: 0.9 },
    },
    {
      name: "beats-correlation",
      claim: "From many signals it finds more edges than correlations do.",
      file: samples,
      quantity: "best F-measure minus that of correlations, 102,400 signals; ten graphs",
      measure: (runs) =>
        runs
          .filter((run) => run.at("clients") === "1024")
          .map((run) => main("bestF")(run) - main("correlationBestF")(run)),
      expected: { min: 0.05 },
    },
    {
      name: "ladmm-converges",
      isCheck: true,
      claim: "L-ADMM converges to the optimum.",
      file: ladmm,
      quantity:
        "objective above E-ADMM's certified lower bound, relative; five graphs, three sizes",
      measure: (all) =>
        [...groupBy(all, (run) => `${graphOf(run)} ${run.at("task.nodes")}`).values()].map(
          (runs) => {
            const own = main("objective")(runs.find(isLadmm));
            const other = runs.find((run) => !isLadmm(run));
            const bound = main("objective")(other) - gapOf(other);
            return (own - bound) / Math.max(1, Math.abs(own));
          },
        ),
      expected: { max: 1e-3 },
    },
    {
      name: "ladmm-growth",
      isOwn: true,
      claim: "L-ADMM's iterations grow slowly with the number of nodes.",
      file: ladmm,
      quantity: "slope of log iterations over log nodes, 10 to 40; five graphs",
      measure: (all) =>
        perGraph(all.filter(isLadmm), (runs) =>
          slope(
            runs.map((run) => [
              Math.log(Number(run.at("task.nodes"))),
              Math.log(main("iterations")(run)),
            ]),
          ),
        ),
      expected: { max: 1 },
    },
    {
      ...solvers,
      name: "ladmm-seconds",
      isTimed: true,
      claim: "L-ADMM solves it faster than a generic solver does.",
      quantity: "log10 of the seconds of L-ADMM over those of Clarabel, 40 nodes; five graphs",
      measure: (all) => {
        const [own, other] = ["ladmm", "clarabel"].map((solver) =>
          solvedBy(all, solver).filter((run) => nodesOf(run) === 40),
        );
        return own.map((run, i) => Math.log10(seconds(run) / seconds(other[i])));
      },
      expected: { max: 0 },
    },
    {
      ...solvers,
      name: "ladmm-seconds-growth",
      isTimed: true,
      claim: "Its time grows more slowly with the number of nodes than that of a generic solver.",
      quantity:
        "slope of log seconds over log nodes, 10 to 40, minus that of Clarabel; five graphs",
      measure: (all) => subtract(growthOf(all, "ladmm"), growthOf(all, "clarabel")),
      expected: { max: 0 },
    },
    ...Object.entries(filtered).map(([filter, words]) => ({
      ...roads,
      name: `roads-found-${filter}`,
      claim: `It finds the roads of Minnesota from ${words} signals.`,
      quantity: "best F-measure; five parts of 50 crossings",
      measure: (all) => withFilter(all, filter).map(bestF),
      expected: { min: 0.9 },
    })),
    beatsOnRoads("lowpass", "from low-pass signals"),
    beatsOnRoads("quadratic", "from quadratically filtered signals"),
    ...conditionClaims,
    ...modelClaims,
    ...ownSolverClaims,
    ...largeClaims,
  ],
  tables: {
    ...theoryTables,
    edges: {
      files: [roads.file],
      columns: ["signals", "rLogSpecT", "correlations"],
      rows: ([all], format) =>
        Object.entries(filtered).map(([filter, words]) => {
          const runs = withFilter(all, filter);
          return [words, format(runs.map(bestF)), format(runs.map(correlationF))];
        }),
    },
    solvers: {
      files: [solvers.file],
      columns: [
        "nodes",
        ...["L-ADMM", "E-ADMM", "Clarabel"].flatMap((name) => [`${name}, iterations`, "seconds"]),
      ],
      rows: ([all], format) =>
        [...groupBy(all, nodesOf)].map(([nodes, runs]) => [
          String(nodes),
          ...["ladmm", "eadmm", "clarabel"].flatMap((solver) => {
            const own = solvedBy(runs, solver);
            return [format(own.map((run) => run.measures.iterations)), format(own.map(seconds))];
          }),
        ]),
    },
  },
  table: {
    files: [samples],
    columns: [
      "signals",
      "F-measure",
      "best F",
      "best F of correlations",
      "distance",
      "distance / √(log n/n)",
    ],
    rows: ([all], format) =>
      [...groupBy(all, signalsOf)].map(([n, runs]) => [
        n.toLocaleString("en"),
        ...["f", "bestF", "correlationBestF", "relativeError"].map((name) =>
          format(runs.map(main(name))),
        ),
        format(runs.map((run) => main("relativeError")(run) / rate(n))),
      ]),
  },
  figure: {
    files: [feasible, samples, ladmm],
    draw: ([models, recovery, solvers]) => {
      const infeasible = [
        ...groupBy(models, (run) => [run.at("clients"), run.at("task.c0")].join(" ")).values(),
      ].map((runs) => ({
        n: signalsOf(runs[0]),
        c0: `c0 = ${runs[0].at("task.c0")}`,
        y: mean(runs.map((run) => 1 - main("rspectFeasible")(run))),
      }));
      const byN = [...groupBy(recovery, signalsOf)];
      const scale = mean(byN[0][1].map(main("relativeError"))) / rate(byN[0][0]);
      const distances = byN.flatMap(([n, runs]) => [
        { n, what: "rLogSpecT", y: mean(runs.map(main("relativeError"))) },
        { n, what: "√(log n/n)", y: scale * rate(n) },
      ]);
      const scores = byN.flatMap(([n, runs]) => [
        { n, what: "rLogSpecT", y: mean(runs.map(main("bestF"))) },
        { n, what: "correlations", y: mean(runs.map(main("correlationBestF"))) },
      ]);
      const iterations = [
        ...groupBy(solvers, (run) => [run.at("task.nodes"), run.at("task.solver")].join()).values(),
      ].map((runs) => ({
        nodes: Number(runs[0].at("task.nodes")),
        solver: isLadmm(runs[0]) ? "L-ADMM" : "E-ADMM",
        y: mean(runs.map(main("iterations"))),
      }));
      const log = { scale: { type: "log" } };
      const n = number("n", "signals", { ...log, format: "~s", tickCount: 4 });
      const share = { scale: { domain: [0, 1] } };
      return {
        vconcat: [
          row(
            linePanel("rSpecT without a solution", infeasible, {
              x: n,
              y: number("y", "share of problems", share),
              color: series("c0", ["c0 = 0.001", "c0 = 0.003"]),
            }),
            linePanel("edges found", scores, {
              x: n,
              y: number("y", "best F-measure", { scale: { domain: [0.6, 1] } }),
              color: series("what", ["rLogSpecT", "correlations"]),
            }),
          ),
          row(
            linePanel("distance from the true graph", distances, {
              x: n,
              y: number("y", "relative distance", log),
              color: series("what", ["rLogSpecT", "√(log n/n)"]),
            }),
            linePanel("iterations to a gap of 1e-4", iterations, {
              x: number("nodes", "nodes"),
              y: number("y", "iterations", { ...log, format: "~s" }),
              color: series("solver", ["L-ADMM", "E-ADMM"]),
            }),
          ),
        ],
      };
    },
  },
};

/** The certified distance of a run's objective from the optimum, absolute. */
function gapOf(run) {
  return main("certifiedGap")(run) * Math.max(1, Math.abs(main("objective")(run)));
}
