import { methodColours } from "@fedclair/core";
import { mean } from "@fedclair/linalg";
import { groupBy } from "../../../../studies/support/group-by.js";
import { drawBridge } from "./bridge.js";
import { estimate } from "../../../../studies/papers/judge.js";
import { perSeed, slope } from "../../../../studies/papers/runs.js";

const matrix = "libs/methods/alberdice/sweeps/alberdice-matrix.yaml";
const bridge = "libs/methods/alberdice/sweeps/alberdice-bridge.yaml";
const penalty = "libs/methods/alberdice/sweeps/alberdice-penalty.yaml";
const xor = "libs/methods/alberdice/sweeps/alberdice-xor.yaml";
const environments = "libs/methods/alberdice/claims/environments.js";
const growth = "libs/methods/alberdice/claims/growth.js";
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

/** The data of XOR, by the label of the sweep. */
const xorData = {
  "0 + 1": "XOR, data AB",
  "0 + 0 + 0 + 1 + 1 + 0": "XOR, data AA AB BA",
  "0 + 0 + 0 + 1 + 1 + 0 + 1 + 1": "XOR, all four",
};

/** Names a run's game. */
function gameOf(run) {
  const environment = run.at("environment");
  if (environment !== "") return `${environment}, ${run.at("recipe")}`;
  const data = xorData[run.at("task.environment.data")];
  if (data !== undefined) return data;
  const cost = run.at("task.environment.penalty");
  if (cost !== "") return `penalty ${cost}`;
  const agents = run.at("task.environment.agents");
  if (agents !== "") return agents === "2" ? "XOR, data AB BA" : `one of ${agents}`;
  return run.at("task.environment.random") === "0" ? "bridge, expert" : "bridge, mixed";
}

/** Groups runs by game, then by method. */
function byGame(runs) {
  return [...groupBy(runs, gameOf)].map(([game, group]) => [game, groupBy(group, methodOf)]);
}

/** The runs of a game, by method. */
const runsOf = (game) => (runs) => new Map(byGame(runs)).get(game);

/** Per seed: a quantity of AlberDICE minus that of another method. */
const against = (game, quantity, other) => (runs) => {
  const group = runsOf(game)(runs);
  return group.get("alberdice").map((run, i) => quantity(run) - quantity(group.get(other)[i]));
};

/**
 * Per seed: AlberDICE's return minus that of the other method with the best mean. The best of five
 * returns of a seed would be better by chance alone.
 */
const advantage = (game, quantity) => (runs) => {
  const group = runsOf(game)(runs);
  const meanOf = (method) => mean(group.get(method).map(quantity));
  const [rival] = methods.slice(1).sort((a, b) => meanOf(b) - meanOf(a));
  return against(game, quantity, rival)(runs);
};

/** The games without steps in which one of several joint actions is best: name, words, sweep. */
const games = [
  ["xor", "XOR, data AB BA", matrix],
  ["three", "one of 3", matrix],
  ["four", "one of 4", matrix],
  ["five", "one of 5", matrix],
  ["xor-three", "XOR, data AA AB BA", xor],
  ["xor-all", "XOR, all four", xor],
];

const finds = ({ name, game, best, min, ...rest }) => ({
  ...rest,
  name: `${name}-return`,
  isOwn: true,
  claim: `${game}: it finds a best joint policy.`,
  quantity: `return; the best is ${best}`,
  measure: (runs) => runsOf(game)(runs).get("alberdice").map(value("return")),
  expected: { min },
});

const beats = ({ name, game, min = 0, ...rest }) => ({
  ...rest,
  name: `${name}-others`,
  claim: `${game}: it is better than all methods that treat agents apart.`,
  quantity: "return minus that of the other method with the best mean, paired",
  measure: advantage(game, value("return")),
  expected: { min },
});

const avoids = ({ name, game, ...rest }) => ({
  ...rest,
  name: `${name}-unseen`,
  claim: `${game}: it avoids out-of-distribution joint actions.`,
  quantity: "share of joint actions that the data never have",
  measure: (runs) => runsOf(game)(runs).get("alberdice").map(unseen),
  expected: { max: 0.01 },
});

const avoidsBetter = ({ name, game, ...rest }, other) => ({
  ...rest,
  name: `${name}-unseen-${other}`,
  claim: `${game}: it avoids them better than ${names[other]} does.`,
  quantity: `the same share minus that of ${names[other]}, paired`,
  measure: against(game, unseen, other),
  expected: { max: -0.001 },
});

const nash = (name, words, file, max) => ({
  name,
  claim: `${words}: the alternation ends at Nash policies.`,
  isCheck: true,
  file,
  quantity: "largest gain in return of one agent alone",
  measure: ownValues("nashGap"),
  expected: { max },
});

/** CPU time of the data, the trials and the play. */
const time = "20 minutes";

const playedIn = (environment) => (runs) =>
  runs.filter((run) => run.at("environment") === environment);

/** The sets of data of played games: environment, kind, and words. */
const sets = Object.entries({
  foraging: "lbforaging's board",
  warehouse: "rware's warehouse",
}).flatMap(([environment, where]) =>
  ["expert", "mixed", "poor"].map((kind) => [environment, kind, `${where}, ${kind} data`]),
);

/** The claims on one set of data of a played game. */
const playedClaims = ([environment, kind, words]) => {
  const game = `${environment}, ${kind}`;
  const some = { file: environments, time };
  const share = "share of played joint actions that the data never have";
  return [
    {
      ...some,
      name: `${environment}-${kind}-others`,
      claim: `${words}: it is better than all methods that treat agents apart.`,
      quantity: "return minus that of the other method with the best mean, paired",
      measure: advantage(game, played("return")),
      // Level is not better.
      expected: { min: 0.001 },
    },
    {
      ...some,
      name: `${environment}-${kind}-unseen`,
      claim: `${words}: it avoids out-of-distribution joint actions.`,
      quantity: share,
      measure: (runs) => runsOf(game)(runs).get("alberdice").map(played("unseen")),
      expected: { max: 0.01 },
    },
    ...["icq", "omar"].map((other) => ({
      ...some,
      name: `${environment}-${kind}-unseen-${other}`,
      claim: `${words}: it avoids them better than ${names[other]} does.`,
      quantity: `the same share minus that of ${names[other]}, paired`,
      measure: against(game, played("unseen"), other),
      expected: { max: -0.001 },
    })),
  ];
};

const agentsOf = (run) => Number(run.at("agents"));
const solvedBy = (solver) => (all) => all.filter((run) => run.at("solver") === solver);

/** Per seed: how often a quantity of a best response doubles with each agent, from eight on. */
const doublings = (name) => (all) =>
  perSeed(solvedBy("best")(all), (runs) =>
    slope(
      runs
        .filter((run) => agentsOf(run) >= 8)
        .map((run) => [agentsOf(run), Math.log2(run.measures[name])]),
    ),
  );

const grows = (name, what) => ({
  name: `growth-${name}`,
  claim: `It circumvents the exponential complexity of joint actions: ${what} of a best response.`,
  file: growth,
  quantity: `slope of log2 ${what} over the number of agents, 8 to 40; 1 doubles with each agent`,
  measure: doublings(name),
  expected: { max: 0.2 },
});

/** In how many games of up to ten agents turns end as well as all agents as one. */
const asGood = (all) => {
  const [turns, together] = ["best", "joint"].map((solver) =>
    solvedBy(solver)(all).filter((run) => agentsOf(run) <= 10),
  );
  const isAsGood = (run, i) => run.measures.return > together[i].measures.return - 0.01;
  return { hits: turns.filter(isAsGood).length, of: turns.length };
};

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

const ownValues = (name) => (runs) =>
  runs.filter((run) => methodOf(run) === "alberdice").map(value(name));
const columns = ["game", ...methods.map((method) => names[method])];

export const paper = {
  name: "alberdice",
  title: "AlberDICE",
  claims: [
    ...games.flatMap(([name, game, file]) => [
      finds({ name, game, file, best: 1, min: 0.99 }),
      beats({ name, game, file, min: 0.1 }),
      // The data of all four joint actions leave none that they lack.
      ...(name === "xor-all" ? [] : [avoids({ name, game, file })]),
    ]),
    {
      name: "xor-one-others",
      claim: "XOR, data AB: with nothing to agree on, it is as good as the others.",
      isOwn: true,
      file: xor,
      quantity: "return minus that of the other method with the best mean, paired",
      measure: advantage("XOR, data AB", value("return")),
      expected: { min: -0.01 },
    },
    ...["icq", "omar"].flatMap((other) =>
      games
        .filter(([name]) => name === "xor" || name === "xor-three")
        .map(([name, game, file]) => avoidsBetter({ name, game, file }, other)),
    ),
    nash("nash", "XOR and its versions for three to five agents", matrix, 0.01),
    ...["10", "100"].flatMap((cost) => {
      const game = `penalty ${cost}`;
      const some = { name: `penalty-${cost}`, game, file: penalty };
      const found = finds({ ...some, best: "10", min: 9.9 });
      const claim = `${game}: the Nash policy is one of the two best.`;
      return [{ ...found, claim }, beats({ ...some, min: 0.1 })];
    }),
    nash("penalty-nash", "penalty games", penalty, 0.1),
    ...["expert", "mixed"].flatMap((data) => {
      const game = `bridge, ${data}`;
      const some = { name: `bridge-${data}`, game, file: bridge, time: "3 minutes" };
      return [finds({ ...some, best: -1.2355, min: -1.25 }), beats(some)];
    }),
    grows("bytes", "bytes"),
    { ...grows("seconds", "seconds"), isTimed: true },
    {
      name: "growth-return",
      claim: "Taking turns, two to ten agents end as well as all agents as one.",
      isOwn: true,
      file: growth,
      quantity: "games whose return is at most .01 below that of the table of joint actions",
      measure: asGood,
      expected: { min: 0.9 },
    },
    ...sets.flatMap(playedClaims),
  ],
  table: {
    files: [matrix, xor, penalty, bridge],
    columns,
    rows: (sweeps, format) => rowsOf(sweeps, value("return"), format),
  },
  tables: {
    growth: {
      files: [growth],
      columns: [
        "agents",
        "joint actions",
        ...["a turn", "all as one"].flatMap((who) =>
          ["ms", "bytes", "return"].map((what) => `${who}: ${what}`),
        ),
      ],
      rows: ([all], format) =>
        [...groupBy(all, agentsOf)].map(([n, runs]) => [
          String(n),
          String(2 ** n),
          ...["best", "joint"].flatMap((solver) =>
            [
              (run) => 1000 * run.measures.seconds,
              (run) => run.measures.bytes,
              // Runs with too many agents have no return.
              (run) => ("return" in run.measures ? run.measures.return : []),
            ].map((quantity) => {
              const values = solvedBy(solver)(runs).flatMap(quantity);
              return values.length === 0 ? "" : format(values);
            }),
          ),
        ]),
    },
    unseen: {
      files: [matrix, xor, bridge],
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
