import { methodColours } from "@fedclair/report";
import { mean } from "@fedclair/runs";
import { groupBy } from "../group-by.js";

const matrix = "sweeps/papers/alberdice-matrix.yaml";
const bridge = "sweeps/papers/alberdice-bridge.yaml";
const methods = ["alberdice", "behaviour-cloning", "optidice", "independent-dice"];
const names = {
  alberdice: "AlberDICE",
  "behaviour-cloning": "BC",
  optidice: "OptiDICE, factorised",
  "independent-dice": "independent DICE",
};

const methodOf = (run) => run.at("task.method");
const value = (name) => (run) => run.measures[`global.${name}.fedavg`];
const unseen = (run) => run.measures["unseenShare.fedavg"];

/** Names a run's game. */
function gameOf(run) {
  const agents = run.at("task.environment.agents");
  if (agents !== "") return agents === "2" ? "XOR" : `one of ${agents}`;
  return run.at("task.environment.random") === "0" ? "bridge, expert" : "bridge, mixed";
}

/** Groups runs by game, then by method. */
function byGame(runs) {
  return [...groupBy(runs, gameOf)].map(([game, group]) => [game, groupBy(group, methodOf)]);
}

/** Per game and seed: AlberDICE's return minus the best of the other methods. */
function advantages(runs) {
  return byGame(runs).flatMap(([, group]) =>
    group.get("alberdice").map((run, i) => {
      const others = methods.slice(1).map((method) => value("return")(group.get(method)[i]));
      return value("return")(run) - Math.max(...others);
    }),
  );
}

const beatsOthers = {
  claim: "There it is better than methods that treat agents apart.",
  quantity: "return minus that of the best of BC, OptiDICE and independent DICE, paired",
  measure: advantages,
};

const own = (runs) => runs.filter((run) => methodOf(run) === "alberdice");

export const alberdice = {
  name: "alberdice",
  title: "AlberDICE",
  claims: [
    {
      name: "matrix-return",
      claim: "On matrix games with several best joint actions, AlberDICE agrees on one.",
      file: matrix,
      quantity: "return with XOR and its versions for three and four agents, of at most 1",
      measure: (runs) => own(runs).map(value("return")),
      expected: { min: 0.99 },
    },
    { ...beatsOthers, name: "matrix-others", file: matrix, expected: { min: 0.1 } },
    {
      name: "unseen",
      claim: "It avoids out-of-distribution joint actions.",
      file: matrix,
      quantity: "share of joint actions that the data never have; all matrix games",
      measure: (runs) => own(runs).map(unseen),
      expected: { max: 0.01 },
    },
    {
      name: "nash",
      claim: "The alternation converges to Nash policies.",
      file: matrix,
      quantity: "largest gain in return of one agent alone; all matrix games",
      measure: (runs) => own(runs).map(value("nashGap")),
      expected: { max: 0.01 },
    },
    {
      name: "bridge",
      claim: "On the bridge it finds the best return, from expert and from mixed data.",
      file: bridge,
      time: "3 minutes",
      quantity: "return; the best is -1.2355",
      measure: (runs) => own(runs).map(value("return")),
      expected: { min: -1.25 },
    },
    {
      ...beatsOthers,
      name: "bridge-others",
      file: bridge,
      time: "3 minutes",
      expected: { min: 0 },
    },
  ],
  table: {
    files: [matrix, bridge],
    columns: ["game", ...methods.map((method) => names[method]), "unseen, AlberDICE", "unseen, BC"],
    rows: (sweeps, format) =>
      sweeps
        .flatMap(byGame)
        .map(([game, group]) => [
          game,
          ...methods.map((method) => format(group.get(method).map(value("return")))),
          ...["alberdice", "behaviour-cloning"].map((method) =>
            format(group.get(method).map(unseen)),
          ),
        ]),
  },
  figure: {
    files: [matrix, bridge],
    draw: (sweeps) => {
      const panel = (runs, width, title) => ({
        title,
        width,
        height: 190,
        data: {
          values: byGame(runs).flatMap(([game, group]) =>
            methods.map((method) => ({
              game,
              method: names[method],
              y: mean(group.get(method).map(value("return"))),
            })),
          ),
        },
        mark: "bar",
        encoding: {
          x: {
            field: "game",
            type: "nominal",
            title: null,
            sort: null,
            axis: { labelAngle: 0, labelLimit: 80 },
          },
          xOffset: { field: "method", sort: Object.values(names) },
          y: { field: "y", type: "quantitative", title: "return" },
          color: {
            field: "method",
            type: "nominal",
            scale: { domain: Object.values(names), range: methodColours.slice(0, 4) },
            legend: { orient: "bottom" },
          },
        },
      });
      return {
        hconcat: [panel(sweeps[0], 260, "matrix games"), panel(sweeps[1], 200, "bridge")],
        spacing: 30,
      };
    },
  },
};
