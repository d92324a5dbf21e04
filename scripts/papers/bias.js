import { methodColours } from "@fedclair/report";
import { mean } from "@fedclair/runs";

const file = "sweeps/papers/bias-panels.yaml";

/** What the report calls explanations, in the order of the table. */
const rivals = {
  multiplicative: "multiplicative bias",
  implicitVariance: "implicit variance",
  sameTau: "tau of the true scores",
  neutral: "alpha = 1",
  unbiased: "no bias",
};

const explanations = { model: "the model", ...rivals };

const real = { file: "scripts/papers/real-scores.js", time: "1 minute" };
/** The sets of real evaluations. */
const sets = {
  InstEval: { words: "lectures (InstEval)", parts: "14 departments" },
  Chem97: { words: "chemistry exams (Chem97)", parts: "ten parts of 131 authorities" },
};
const ofSet = (runs, set) => runs.filter((run) => run.at("set") === set);
const held = (name) => (run) => run.measures[`held.${name}`];
const own = (name) => (run) => run.measures[`own.${name}`];

const beatsOnReal = (set, rival) => ({
  ...real,
  name: `${set.toLowerCase()}-${rival.toLowerCase()}`,
  claim: `It predicts real scores of ${sets[set].words} better than ${rivals[rival]}.`,
  quantity: `total variation of the rival minus that of the model, each of ${sets[set].parts} held out`,
  measure: (all) => ofSet(all, set).map((run) => held(rival)(run) - held("model")(run)),
  expected: { min: 0 },
});

const metric = (name) => (run) => run.measures[`global.${name}.fedavg`];
const left = (name) => metric(`totalVariation.${name}`);

const beats = (rival) => ({
  name: `beats-${rival.toLowerCase()}`,
  claim: `It explains observed scores better than ${rivals[rival]}.`,
  file,
  quantity: "total variation that the rival leaves minus that of the model, paired",
  measure: (runs) => runs.map((run) => left(rival)(run) - left("model")(run)),
  expected: { min: 0 },
});

export const bias = {
  name: "bias",
  title: "Bias in evaluation processes",
  claims: [
    {
      name: "alpha",
      claim: "Two parameters describe an evaluation: risk-averseness can be fitted.",
      file,
      quantity: "largest relative error of alpha over four panels",
      measure: (runs) => runs.map(metric("alphaError")),
      expected: { max: 0.1 },
    },
    {
      name: "tau",
      claim: "Two parameters describe an evaluation: the resource constraint can be fitted.",
      file,
      quantity: "largest error of tau over four panels, nats",
      measure: (runs) => runs.map(metric("tauError")),
      expected: { max: 0.03 },
    },
    beats("multiplicative"),
    beats("implicitVariance"),
    {
      name: "selection",
      claim: "The fitted model predicts how a selection treats the group.",
      file,
      quantity: "largest error of the group's share of the seats over four panels",
      measure: (runs) => runs.map(metric("shareError")),
      expected: { max: 0.03 },
    },
    ...Object.keys(sets).flatMap((set) => [
      beatsOnReal(set, "multiplicative"),
      beatsOnReal(set, "implicitVariance"),
      beatsOnReal(set, "unbiased"),
    ]),
  ],
  tables: {
    real: {
      files: [real.file],
      columns: [
        "explanation",
        ...Object.keys(sets).flatMap((set) => [`${set}, others`, `${set}, held out`]),
      ],
      rows: ([all], format) =>
        Object.entries(explanations).map(([name, label]) => [
          label,
          ...Object.keys(sets).flatMap((set) =>
            [own(name), held(name)].map((measure) => format(ofSet(all, set).map(measure))),
          ),
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
        y: { field: "label", type: "nominal", sort: null, title: null },
        x: { field: "y", type: "quantitative", title: "total variation left" },
      },
    }),
  },
};
