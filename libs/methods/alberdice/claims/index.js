import { methodColours } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import { groupBy } from "../../../../studies/support/group-by.js";
import { drawBridge } from "./bridge.js";
import { estimate } from "../../../../studies/papers/judge.js";

const matrix = "libs/methods/alberdice/sweeps/alberdice-matrix.yaml";
const bridge = "libs/methods/alberdice/sweeps/alberdice-bridge.yaml";
const penalty = "libs/methods/alberdice/sweeps/alberdice-penalty.yaml";
const environments = "libs/methods/alberdice/claims/environments.js";
const methods = ["alberdice", "behaviour-cloning", "icq", "omar", "optidice", "independent-dice"];
const names = {
  alberdice: "AlberDICE",
  "behaviour-cloning": "BC",
  icq: "ICQ",
  omar: "OMAR",
  optidice: "OptiDICE, factorised",
  "independent-dice": "independent DICE",
};

const methodOf = (run) => run.at("task.method") || run.at("method");
const value = (name) => (run) => run.measures[`global.${name}.fedavg`];
const unseen = (run) => run.measures["unseenShare.fedavg"];
/** A measure of play in a real environment. */
const played = (name) => (run) => run.measures[name];

/** Names a run's game. */
function gameOf(run) {
  const environment = run.at("environment");
  if (environment !== "") return `${environment}, ${run.at("recipe")}`;
  const cost = run.at("task.environment.penalty");
  if (cost !== "") return `penalty ${cost}`;
  const agents = run.at("task.environment.agents");
  if (agents !== "") return agents === "2" ? "XOR" : `one of ${agents}`;
  return run.at("task.environment.random") === "0" ? "bridge, expert" : "bridge, mixed";
}

/** Groups runs by game, then by method. */
function byGame(runs) {
  return [...groupBy(runs, gameOf)].map(([game, group]) => [game, groupBy(group, methodOf)]);
}

/** Per game and seed: a quantity of AlberDICE minus that of another method. */
function against(runs, quantity, other) {
  return byGame(runs).flatMap(([, group]) =>
    group.get("alberdice").map((run, i) => quantity(run) - quantity(group.get(other)[i])),
  );
}

const fewerUnseen = (other) => ({
  name: `unseen-${other}`,
  claim: `It avoids out-of-distribution joint actions better than ${names[other]} does.`,
  file: matrix,
  quantity: `share of joint actions that the data never have, minus that of ${names[other]}, paired; four games`,
  measure: (runs) => against(runs, unseen, other),
  expected: { max: 0 },
});

/** Per game and seed: AlberDICE's return minus the best of the other methods. */
function advantages(runs) {
  return byGame(runs).flatMap(([, group]) =>
    group.get("alberdice").map((run, i) => {
      const others = methods.slice(1).map((method) => value("return")(group.get(method)[i]));
      return value("return")(run) - Math.max(...others);
    }),
  );
}

/** @param each what a seed is counted for */
const beatsOthers = (each) => ({
  claim: "There it is better than all methods that treat agents apart.",
  quantity: `return minus that of the best of the five other methods, paired; ${each}`,
  measure: advantages,
});

/** CPU time of the data, the trials and the play. */
const time = "20 minutes";

const playedIn = (environment) => (runs) =>
  runs.filter((run) => run.at("environment") === environment);

/**
 * Per game and seed: AlberDICE's return of play minus that of the other method with the best mean.
 * The best of five measured returns of a seed would be better by chance alone.
 */
function playedAdvantages(runs) {
  return byGame(runs).flatMap(([, group]) => {
    const returns = (method) => group.get(method).map(played("return"));
    const means = new Map(methods.slice(1).map((method) => [method, mean(returns(method))]));
    const best = Math.max(...means.values());
    const [rival] = [...means].find(([, one]) => one === best);
    const others = returns(rival);
    return returns("alberdice").map((own, i) => own - others[i]);
  });
}

const beatsOthersIn = (environment, claim) => ({
  name: `${environment}-others`,
  claim,
  file: environments,
  time,
  quantity: "return minus that of the other method with the best mean, paired; three kinds of data",
  measure: (runs) => playedAdvantages(playedIn(environment)(runs)),
  expected: { min: 0 },
});

const fewerUnseenPlayed = (other) => ({
  name: `played-unseen-${other}`,
  claim: `There it avoids out-of-distribution joint actions better than ${names[other]} does.`,
  file: environments,
  time,
  quantity: `share of played joint actions that the data never have, minus that of ${names[other]}, paired; six sets`,
  measure: (runs) => against(runs, played("unseen"), other),
  expected: { max: 0 },
});

function rowsOf(sweeps, quantity, format, listed = methods) {
  return sweeps
    .flatMap(byGame)
    .map(([game, group]) => [
      game,
      ...listed.map((method) => format(group.get(method).map(quantity))),
    ]);
}

/** The packages of the environments, and what their returns are. */
const packages = {
  foraging: { name: "lbforaging", returns: "return" },
  warehouse: { name: "rware", returns: "deliveries" },
};

/** Draws the mean return of each method and of the data, with its interval. */
function drawPlayed(environment, runs) {
  const shown = ["data", ...methods];
  const label = (method) => names[method] ?? "the data";
  const values = byGame(runs).flatMap(([, group]) =>
    shown.map((method) => {
      const returns = group.get(method).map(played("return"));
      const { low, high } = estimate(returns);
      const recipe = group.get(method)[0].at("recipe");
      return { recipe, method: label(method), y: mean(returns), low, high };
    }),
  );
  const place = placeOf("recipe", "data", shown.map(label), { labelAngle: 0 });
  return {
    title: packages[environment].name,
    width: 270,
    height: 190,
    data: { values },
    layer: [
      {
        mark: "bar",
        encoding: {
          ...place,
          y: {
            field: "y",
            type: "quantitative",
            title: packages[environment].returns,
          },
          color: colourOf(shown.map(label), ["#bbbbbb", ...methodColours.slice(0, methods.length)]),
        },
      },
      {
        mark: { type: "rule", color: "#333333" },
        encoding: {
          ...place,
          y: { field: "low", type: "quantitative" },
          y2: { field: "high" },
        },
      },
    ],
  };
}

/** Places a mark of each method side by side, in groups along a field. */
function placeOf(field, title, shown, axis) {
  return {
    x: { field, type: "nominal", title, sort: null, axis },
    xOffset: { field: "method", sort: shown },
  };
}

function colourOf(shown, range) {
  const scale = { domain: shown, range };
  return { field: "method", type: "nominal", scale, legend: { orient: "bottom" } };
}

/** Draws the mean return of each method and game as a bar, and each seed as a point. */
function drawReturns(title, width, runs) {
  const shown = Object.values(names);
  const values = byGame(runs).flatMap(([game, group]) =>
    methods.flatMap((method) =>
      group.get(method).map((run) => ({ game, method: names[method], y: value("return")(run) })),
    ),
  );
  const place = placeOf("game", null, shown, { labelAngle: 0, labelLimit: 80 });
  const y = { field: "y", type: "quantitative", title: "return" };
  return {
    title,
    width,
    height: 190,
    data: { values },
    layer: [
      {
        mark: "bar",
        encoding: {
          ...place,
          y: { ...y, aggregate: "mean" },
          color: colourOf(shown, methodColours.slice(0, methods.length)),
        },
      },
      {
        mark: { type: "point", filled: true, size: 9, color: "#333333", opacity: 0.6 },
        encoding: { ...place, y },
      },
    ],
  };
}

const own = (runs) => runs.filter((run) => methodOf(run) === "alberdice");
const ownValues = (name) => (runs) => own(runs).map(value(name));
const columns = ["game", ...methods.map((method) => names[method])];

export const paper = {
  name: "alberdice",
  title: "AlberDICE",
  claims: [
    {
      name: "matrix-return",
      claim: "On matrix games with several best joint actions, AlberDICE agrees on one.",
      file: matrix,
      quantity:
        "return with XOR and its versions for three to five agents, of at most 1; ten seeds each",
      measure: ownValues("return"),
      expected: { min: 0.99 },
    },
    { ...beatsOthers("four games"), name: "matrix-others", file: matrix, expected: { min: 0.1 } },
    {
      name: "unseen",
      claim: "It avoids out-of-distribution joint actions.",
      file: matrix,
      quantity: "share of joint actions that the data never have; four games",
      measure: (runs) => own(runs).map(unseen),
      expected: { max: 0.01 },
    },
    fewerUnseen("icq"),
    fewerUnseen("omar"),
    {
      name: "nash",
      claim: "The alternation converges to Nash policies.",
      file: matrix,
      quantity: "largest gain in return of one agent alone; four games",
      measure: ownValues("nashGap"),
      expected: { max: 0.01 },
    },
    {
      name: "penalty",
      claim: "In the penalty game the Nash policy is one of the two best (our question).",
      file: penalty,
      quantity: "return, of at most 10; penalties of 10 and 100",
      measure: ownValues("return"),
      expected: { min: 9.9 },
    },
    {
      name: "penalty-nash",
      claim: "There it ends at a Nash policy.",
      file: penalty,
      quantity: "largest gain in return of one agent alone",
      measure: ownValues("nashGap"),
      expected: { max: 0.1 },
    },
    {
      ...beatsOthers("two penalties"),
      name: "penalty-others",
      file: penalty,
      expected: { min: 0 },
    },
    {
      name: "bridge",
      claim: "On the bridge it finds the best return, from expert and from mixed data.",
      file: bridge,
      time: "3 minutes",
      quantity: "return; the best is -1.2355; five seeds for each kind of data",
      measure: ownValues("return"),
      expected: { min: -1.25 },
    },
    {
      ...beatsOthers("two kinds of data"),
      name: "bridge-others",
      file: bridge,
      time: "3 minutes",
      expected: { min: 0 },
    },
    beatsOthersIn(
      "foraging",
      "On lbforaging's board it is better than all methods that treat agents apart.",
    ),
    beatsOthersIn(
      "warehouse",
      "In rware's warehouse it is better than all methods that treat agents apart.",
    ),
    {
      name: "played-unseen",
      claim: "In both environments it avoids out-of-distribution joint actions.",
      file: environments,
      time,
      quantity: "share of played joint actions that the data never have; six sets of data",
      measure: (runs) => own(runs).map(played("unseen")),
      expected: { max: 0.01 },
    },
    fewerUnseenPlayed("icq"),
    fewerUnseenPlayed("omar"),
  ],
  table: {
    files: [matrix, penalty, bridge],
    columns,
    rows: (sweeps, format) => rowsOf(sweeps, value("return"), format),
  },
  tables: {
    unseen: {
      files: [matrix, bridge],
      columns,
      rows: (sweeps, format) => rowsOf(sweeps, unseen, format),
    },
    environments: {
      files: [environments],
      columns: ["environment, data", "the data", ...columns.slice(1)],
      rows: (sweeps, format) => rowsOf(sweeps, played("return"), format, ["data", ...methods]),
    },
    played: {
      files: [environments],
      columns: ["environment, data", ...columns.slice(1)],
      rows: (sweeps, format) => rowsOf(sweeps, played("unseen"), format),
    },
    steps: {
      files: [environments],
      columns: ["environment, data", ...columns.slice(1)],
      rows: ([runs], format) => rowsOf([playedIn("foraging")(runs)], played("steps"), format),
    },
  },
  figures: {
    bridge: {
      files: [bridge],
      draw: ([all]) => {
        const ofGame = new Map(byGame(all)).get("bridge, mixed");
        return drawBridge(
          ["alberdice", "independent-dice"].map((method) => [
            names[method],
            ofGame.get(method).find(({ seed }) => seed === 1),
          ]),
        );
      },
      moves: true,
    },
    environments: {
      files: [environments],
      draw: ([runs]) => ({
        hconcat: Object.keys(packages).map((environment) =>
          drawPlayed(environment, playedIn(environment)(runs)),
        ),
        spacing: 30,
      }),
    },
  },
  figure: {
    files: [matrix, bridge],
    draw: ([games, ways]) => ({
      hconcat: [drawReturns("matrix games", 330, games), drawReturns("bridge", 220, ways)],
      spacing: 30,
    }),
  },
};
