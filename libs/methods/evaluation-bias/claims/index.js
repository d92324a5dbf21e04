import { methodColours, mutedColour } from "@fedclair/core";
import { mean, sum } from "@fedclair/linalg";
import { perSeed } from "../../../../studies/papers/runs.js";
import { drawParameters, listParameterRows, parameterColumns } from "./parameters.js";
import { middles } from "./regents.js";

const file = "libs/methods/evaluation-bias/sweeps/bias-panels.yaml";
const reservation = "libs/methods/evaluation-bias/sweeps/bias-reservation.yaml";

/** What the report calls explanations, in the order of the table. */
const rivals = {
  multiplicative: "multiplicative bias",
  implicitVariance: "implicit variance",
  sameTau: "tau of the true scores",
  neutral: "alpha = 1",
  unbiased: "no bias",
};

const explanations = { model: "the model", ...rivals };

const real = { file: "libs/methods/evaluation-bias/claims/real-scores.js", time: "1 minute" };
const regents = { file: "libs/methods/evaluation-bias/claims/regents.js", time: "1 minute" };
const callBacks = { file: "libs/methods/evaluation-bias/claims/call-backs.js", time: "1 minute" };

const people = { file: "libs/methods/evaluation-bias/claims/people.js", time: "1 minute" };

/** The sets of real evaluations. */
const sets = {
  InstEval: { words: "lectures (InstEval)", parts: "14 departments" },
  Chem97: { words: "chemistry exams (Chem97)", parts: "ten parts of 131 authorities" },
  "Chem97, swapped": {
    words: "chemistry exams with girls' grades as exact",
    parts: "ten parts of 131 authorities",
  },
};
const ofSet = (runs, set, fit) =>
  runs.filter((run) => run.at("set") === set && run.at("fit") === fit);
const measureOf = (name) => (run) => run.measures[name];
const held = (name) => measureOf(`held.${name}`);
const own = (name) => measureOf(`own.${name}`);

/**
 * Lists the pseudo-values of a quantity of all institutions, around the quantity itself: their t
 * interval is that of the jackknife. Their own mean corrects a bias, and may make a distance
 * negative.
 */
function pseudoValues(runs, set, quantity) {
  const [whole] = ofSet(runs, set, "all").map(quantity);
  const partial = ofSet(runs, set, "others").map(quantity);
  const middle = mean(partial);
  return partial.map((one) => whole + (partial.length - 1) * (middle - one));
}

const nameOf = (set) => set.toLowerCase().replace(", ", "-");
const rivalName = (set, fit, rival) => [nameOf(set), ...fit, rival.toLowerCase()].join("-");

/** The abstract says that the model fits, and not that it fits better than earlier models. */
const isOwn = (rival) => rival !== "unbiased";

const fitsBetter = (set, rival) => ({
  ...real,
  isOwn: isOwn(rival),
  name: rivalName(set, ["pooled"], rival),
  reads: { set },
  claim: `It fits all ${sets[set].words} better than ${rivals[rival]}.`,
  quantity: `total variation that the rival leaves minus that of the model; jackknife over ${sets[set].parts}`,
  measure: (all) => pseudoValues(all, set, (run) => own(rival)(run) - own("model")(run)),
  expected: { min: 0 },
});

const beatsOnSplit = (set, rival) => ({
  ...real,
  isOwn: isOwn(rival),
  name: rivalName(set, ["split"], rival),
  reads: { set },
  claim: `Fitted to 80 % of ${sets[set].words}, it predicts the others better than ${rivals[rival]}.`,
  quantity:
    "total variation of the rival minus that of the model, a fifth of the people held out; ten splits",
  measure: (all) => ofSet(all, set, "split").map((run) => held(rival)(run) - held("model")(run)),
  expected: { min: 0 },
});

const by = (runs, kind) => runs.filter((run) => run.at("by") === kind);

const beatsOnCallBacks = (kind, words, rival) => ({
  ...callBacks,
  isOwn: isOwn(rival),
  name: `calls-${kind}-${rival.toLowerCase()}`,
  claim: `It predicts call-backs of résumés with black names better than ${rivals[rival]} does, by ${kind}.`,
  quantity: `error of the share called of the rival minus that of the model, each of ${words} held out`,
  measure: (all) => by(all, kind).map((run) => held(rival)(run) - held("model")(run)),
  expected: { min: 0 },
});

const metric = (name) => (run) => run.measures[`global.${name}.fedavg`];
const left = (name) => metric(`totalVariation.${name}`);

const beats = (rival) => ({
  name: `beats-${rival.toLowerCase()}`,
  claim: `It explains scores that it simulated better than ${rivals[rival]} does.`,
  isCheck: true,
  file,
  quantity: "total variation that the rival leaves minus that of the model, paired",
  measure: (runs) => runs.map((run) => left(rival)(run) - left("model")(run)),
  expected: { min: 0 },
});

/** The simulated panels, in the order of their numbers. */
const panels = ["α = 1, τ = 1.1", "α = 2, τ = 1.6", "α = 4, τ = 1.1", "α = 4, τ = 1.6"];

const share2 = (intervention, panel) => metric(`share2.${intervention}.${panel}`);
const utility = (intervention, panel) => metric(`utility.${intervention}.${panel}`);
/** What an intervention adds to the mean true score of the selected people, in deviations. */
const gain = (intervention, panel) => (run) =>
  utility(intervention, panel)(run) - utility("none", panel)(run);
const change = (intervention, panel) => (run) =>
  share2(intervention, panel)(run) - share2("none", panel)(run);

const interventions = {
  none: "none",
  reduceSkew: "training: α half-way to 1",
  shiftTau: "τ half-way to the entropy of true scores",
  atleast: "30 % of the seats reserved",
  proportional: "parity, or blinding",
};

const strengths = ["0.25", "0.5", "0.75"];
const withStrength = (runs, rho) => runs.filter((run) => run.at("task.selection.rho") === rho);

/** The settings of the case study: label, intervention, and the strength of the runs. */
const caseStudy = [
  ["none", "none", "0.5"],
  ...strengths.map((rho) => [`skew reduced by ${100 * rho} %`, "reduceSkew", rho]),
  ["49.6 % of the seats reserved", "atleast", "0.5"],
  ["parity, or blinding", "proportional", "0.5"],
];

const subjects = {
  integrated_algebra: "algebra",
  global_history: "global history",
  living_environment: "biology",
  english: "English",
  us_history: "U.S. history",
};
const subjectOf = (run) => subjects[run.at("subject")];

const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** The rows of the table of call-backs. */
const callGroups = {
  all: "all",
  high: "better résumés",
  low: "other résumés",
  women: "women's names, jobs in sales",
  men: "men's names, jobs in sales",
};

export const paper = {
  name: "evaluation-bias",
  title: "Bias in evaluation processes",
  claims: [
    {
      name: "alpha",
      isCheck: true,
      claim: "Two parameters describe an evaluation: risk-averseness can be fitted (simulated).",
      file,
      quantity: "largest relative error of alpha over four panels",
      measure: (runs) => runs.map(metric("alphaError")),
      expected: { max: 0.1 },
    },
    {
      name: "tau",
      isCheck: true,
      claim:
        "Two parameters describe an evaluation: the resource constraint can be fitted (simulated).",
      file,
      quantity: "largest error of tau over four panels, nats",
      measure: (runs) => runs.map(metric("tauError")),
      expected: { max: 0.03 },
    },
    beats("multiplicative"),
    beats("implicitVariance"),
    {
      name: "selection",
      isCheck: true,
      claim: "Fitted to scores that it simulated, it predicts how a selection treats the group.",
      file,
      quantity: "largest error of the group's share of the seats over four panels",
      measure: (runs) => runs.map(metric("shareError")),
      expected: { max: 0.03 },
    },
    {
      name: "interventions",
      isCheck: true,
      claim: "Fitted to scores that it simulated, it predicts what interventions change.",
      file,
      quantity:
        "largest error of the group's share of the seats over four panels and five interventions",
      measure: (runs) => runs.map(metric("interventionError")),
      expected: { max: 0.03 },
    },
    {
      name: "training",
      isCheck: true,
      claim: "Less risk-averse evaluators select people with higher true scores.",
      file,
      quantity: "least gain in mean true score over the three panels with α > 1, deviations",
      measure: (runs) =>
        runs.map((run) => Math.min(...[2, 3, 4].map((panel) => gain("reduceSkew", panel)(run)))),
      expected: { min: 0 },
    },
    {
      name: "resources-alone",
      isCheck: true,
      claim: "More resources alone harm the group if its scores spread too much (specification).",
      file,
      quantity: "change of the group's share of the seats, τ from 1.6 half-way to 1.419, α = 4",
      measure: (runs) => runs.map(change("shiftTau", 4)),
      expected: { max: 0 },
    },
    {
      name: "reservation",
      isCheck: true,
      claim:
        "Reserved seats raise the true scores of the selected more than a reduction of skew by up to 75 % (authors' case study).",
      file: reservation,
      quantity: "mean true score, reserved seats minus the best of three reductions, deviations",
      measure: (all) => {
        const reduced = strengths.map((rho) =>
          withStrength(all, rho).map(utility("reduceSkew", 1)),
        );
        return withStrength(all, "0.5").map(
          (run, i) => utility("atleast", 1)(run) - Math.max(...reduced.map((one) => one[i])),
        );
      },
      expected: { min: 0 },
    },
    {
      ...people,
      name: "people",
      reads: { reference: "10000" },
      isCheck: true,
      claim: "Fitted to simulated scores, it predicts people who are seated one by one.",
      quantity:
        "largest error of the group's share of the seats over four panels and five interventions",
      measure: (all) => perSeed(all, (runs) => Math.max(...runs.map((run) => run.measures.share))),
      expected: { max: 0.03 },
    },
    ...[
      ["people-intervals", "10000", "10,000"],
      ["people-intervals-many", "1000000", "a million"],
    ].map(([name, reference, words]) => ({
      ...people,
      name,
      reads: { reference },
      isCheck: true,
      claim: `The 95 % intervals contain what happens to these people, with ${words} true scores.`,
      quantity: "intervals that do, of shares and gains in four panels and five interventions",
      measure: (all) => ({
        hits: sum(all.map((run) => run.measures.covered)),
        of: sum(all.map((run) => run.measures.intervals)),
      }),
      expected: { min: 0.9 },
    })),
    ...Object.keys(sets).flatMap((set) =>
      [fitsBetter, beatsOnSplit].flatMap((claimOn) =>
        ["unbiased", "multiplicative", "implicitVariance"].map((rival) => claimOn(set, rival)),
      ),
    ),
    {
      ...regents,
      name: "regents-bump",
      claim: "It explains the bump of Regents exams at the pass mark.",
      isOwn: true,
      quantity:
        "part of the surplus from 65 to 69 that it predicts, each of five subjects held out",
      measure: (all) => all.map(measureOf("bump.model")),
      expected: { min: 0.5 },
    },
    ...Object.entries({ industry: "six industries", job: "six kinds of job" }).flatMap(
      ([kind, words]) =>
        ["unbiased", "multiplicative", "implicitVariance"].map((rival) =>
          beatsOnCallBacks(kind, words, rival),
        ),
    ),
    {
      ...callBacks,
      name: "calls-ranks",
      isOwn: true,
      claim: "Ranks within the group are right: a better résumé helps both names alike.",
      quantity:
        "gain of white names minus that of black names, normal quantiles, ten parts of 1,323 ads",
      measure: (all) =>
        by(all, "ads").map((run) => run.measures["gain.white"] - run.measures["gain.black"]),
      expected: { min: -0.05, max: 0.05 },
    },
  ],
  tables: {
    parameters: { files: [], columns: parameterColumns, rows: listParameterRows },
    interventions: {
      files: [file],
      columns: ["panel", "intervention", "group 2's share of the seats", "gain in true score"],
      rows: ([runs], format) =>
        panels.flatMap((panel, j) =>
          Object.entries(interventions).map(([name, label]) => [
            name === "none" ? panel : "",
            label,
            format(runs.map(share2(name, j + 1))),
            name === "none" ? "" : format(runs.map(gain(name, j + 1))),
          ]),
        ),
    },
    reservation: {
      files: [reservation],
      columns: ["intervention", "group 2's share of the seats", "gain in true score"],
      rows: ([all], format) =>
        caseStudy.map(([label, name, rho]) => {
          const runs = withStrength(all, rho);
          const gained = name === "none" ? "" : format(runs.map(gain(name, 1)));
          return [label, format(runs.map(share2(name, 1))), gained];
        }),
    },
    real: {
      files: [real.file],
      columns: [
        "explanation",
        ...Object.keys(sets).flatMap((set) => [`${set}, fit`, `a fifth`, `an institution`]),
      ],
      rows: ([all], format) =>
        Object.entries(explanations).map(([name, label]) => [
          label,
          ...Object.keys(sets).flatMap((set) => [
            format(pseudoValues(all, set, own(name))),
            format(ofSet(all, set, "split").map(held(name))),
            format(ofSet(all, set, "others").map(held(name))),
          ]),
        ]),
    },
    fitted: {
      files: [real.file],
      columns: ["set", "α", "τ minus the entropy of true scores"],
      rows: ([all], format) =>
        Object.keys(sets).map((set) => [
          set,
          ...["alpha", "tau"].map((name) => format(pseudoValues(all, set, measureOf(name)))),
        ]),
    },
    bump: {
      files: [regents.file],
      columns: [
        "subject",
        "missing from 60 to 64",
        "largest such share at other marks",
        "moved, of all students",
        "degrees 4 to 8",
        "any evaluation leaves at least",
        "the same at other marks",
      ],
      rows: ([all]) =>
        all.map((run) => {
          const { missing, other, moved, movedLow, movedHigh, least, leastOther } = run.measures;
          const range = `${percent(Math.min(moved, movedLow))} … ${percent(Math.max(moved, movedHigh))}`;
          return [
            subjectOf(run),
            percent(missing),
            percent(other),
            percent(moved),
            range,
            least.toFixed(3),
            leastOther.toFixed(3),
          ];
        }),
    },
    regents: {
      files: [regents.file],
      columns: ["explanation", "four subjects", "subject held out", "part of the bump"],
      rows: ([all], format) =>
        Object.entries({ ...explanations, moved: "moved across the mark" }).map(([name, label]) => [
          label,
          ...[own(name), held(name), measureOf(`bump.${name}`)].map((of) => format(all.map(of))),
        ]),
    },
    calls: {
      files: [callBacks.file],
      columns: ["résumés", "white names called", "black names called"],
      rows: ([all], format) =>
        Object.entries(callGroups).map(([name, label]) => [
          label,
          ...["white", "black"].map((group) =>
            format(by(all, "ads").map(measureOf(`${group}.${name}`))),
          ),
        ]),
    },
    selections: {
      files: [callBacks.file],
      columns: ["explanation", "industry held out", "kind of job held out"],
      rows: ([all], format) =>
        Object.entries(explanations).map(([name, label]) => [
          label,
          ...["industry", "job"].map((kind) => format(by(all, kind).map(held(name)))),
        ]),
    },
    identified: {
      files: [callBacks.file],
      columns: ["fitted to", "α", "τ minus the entropy of true scores", "α if these are equal"],
      rows: ([all]) =>
        by(all, "all").map((run) => [
          run.at("unit") === "job" ? "six kinds of job" : "six industries",
          ...["alpha", "tau", "alphaSameTau"].map((name) => run.measures[name].toFixed(2)),
        ]),
    },
  },
  table: {
    files: [file],
    columns: ["explanation", "total variation that it leaves"],
    rows: ([runs], format) =>
      Object.entries(explanations).map(([name, label]) => [label, format(runs.map(left(name)))]),
  },
  figure: {
    files: [file],
    draw: ([runs]) => ({
      width: 420,
      height: 150,
      data: {
        values: Object.entries(explanations).map(([name, label]) => ({
          label,
          y: mean(runs.map(left(name))),
        })),
      },
      mark: { type: "bar", color: methodColours[0] },
      encoding: {
        // A browser's font may be wider than the one that the margin is computed with.
        y: { field: "label", type: "nominal", sort: null, title: null, axis: { minExtent: 140 } },
        x: {
          field: "y",
          type: "quantitative",
          title: "total variation left",
          axis: { tickCount: 5 },
        },
      },
    }),
  },
  figures: {
    parameters: { files: [], draw: drawParameters },
    regents: { files: [regents.file], draw: ([all]) => drawRegents(all) },
  },
};

/** Scores by subject: bars as observed, lines without the bump and as the model predicts them. */
function drawRegents(all) {
  const lines = { smooth: "without the bump", model: "the model, held out" };
  const values = all.flatMap((run) =>
    middles.map((score, k) => ({
      subject: subjectOf(run),
      score,
      observed: run.measures[`observed.${k}`],
      isMoved: Math.floor(score / 10) === 6,
      ...Object.fromEntries(
        Object.entries(lines).map(([name, label]) => [label, run.measures[`${name}.${k}`]]),
      ),
    })),
  );
  const share = { type: "quantitative", title: "share of students", axis: { format: "%" } };
  return {
    data: { values },
    facet: { field: "subject", type: "nominal", sort: Object.values(subjects), title: null },
    columns: 3,
    resolve: { axis: { x: "independent" } },
    spec: {
      width: 165,
      height: 120,
      encoding: {
        x: { field: "score", type: "quantitative", title: "score", scale: { domain: [0, 100] } },
      },
      layer: [
        {
          mark: { type: "bar", width: 7 },
          encoding: {
            y: { field: "observed", ...share },
            fill: { condition: { test: "datum.isMoved", value: "#e6a57e" }, value: "#cccccc" },
          },
        },
        {
          transform: [{ fold: Object.values(lines), as: ["line", "share"] }],
          mark: { type: "line" },
          encoding: {
            y: { field: "share", ...share },
            color: {
              field: "line",
              type: "nominal",
              scale: { domain: Object.values(lines), range: [mutedColour, methodColours[0]] },
              legend: { orient: "bottom", title: null },
            },
          },
        },
      ],
    },
  };
}
