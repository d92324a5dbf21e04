import { optimalCopyAverageLoss } from "../dist/src/copy-average-points.js";
import { perturbedCopy } from "../dist/src/perturbed-copy.js";
import { methodColours, mutedColour } from "@fedclair/core";
import { mean, sum } from "@fedclair/linalg";
import { groupBy } from "../../../../studies/support/group-by.js";

const file = "libs/methods/copy-average/sweeps/copy-average-phases.yaml";
/** Gradient flows in a run, one per client. */
const flows = 100;

const metric = (run, name) => run.measures[`global.${name}.fedavg`];
/** Reads k, n and the activation from the labels of a run. */
function settingOf(run) {
  const label = ["task", "task.n", "task.activation"].map((path) => run.at(path)).join(" ");
  const read = (pattern) => pattern.exec(label)?.[1];
  const [k, n] = [/\bk (\d+)/, /\bn (\d+)/].map((pattern) => Number(read(pattern)));
  return { k, n, activation: read(/activation (\w+)/) ?? "erf" };
}

const count = (share) => Math.round(flows * share);
const averaging = (run) => count(metric(run, "averagingShare"));
const copying = (run) => count(metric(run, "copyingShare"));
const withActivation = (runs, name) => runs.filter((run) => settingOf(run).activation === name);

/** Counts flows over runs, as hits of all. */
function countFlows(runs, hitsOf) {
  return { hits: runs.reduce((sum, run) => sum + hitsOf(run), 0), of: flows * runs.length };
}

const withTeacher = (runs, k) => runs.filter((run) => settingOf(run).k === k);

/** Counts the flows of a teacher of k neurons that end at one of the two points, whatever n. */
const endsAtOneOfTwo = (activation, k) => (all) =>
  countFlows(
    withTeacher(withActivation(all, activation), k),
    (run) => averaging(run) + copying(run),
  );

const oneNeuron = {
  file: "libs/methods/copy-average/claims/one-neuron.js",
  time: "5 minutes",
  isCheck: true,
};
const activations = {
  erf: "erf",
  relu: "ReLU",
  tanh: "tanh",
  sigmoid: "sigmoid",
  softplus: "softplus",
  gelu: "GELU",
};
const searched = (runs) => runs.filter((run) => run.at("activation") !== "");
const partitions = (runs) => runs.filter((run) => run.at("sizes") !== "");

const digits = { file: "libs/methods/copy-average/claims/digits-teacher.js", time: "5 minutes" };
const sizeOf = (run) => Number(run.at("n"));

/** Per teacher: the mean over its students. */
const perTeacher = (runs, compute) =>
  [...groupBy(runs, (run) => run.at("teacher")).values()].map((group) => mean(group.map(compute)));

const larger = { file: "libs/methods/copy-average/claims/larger.js", time: "4 minutes" };
const inPart = (all, part) => all.filter((run) => run.at("part") === part);

const phases = { file, time: "5 minutes" };
const quantity = "flows that end at a copy-average point or a perturbed copy, all n below k";
const teachers = [4, 6, 8];

const twoEnds = (activation, k, end) => ({
  ...phases,
  name: `two-ends-${activation}-${k}`,
  claim: `${activations[activation] ?? activation}, k = ${k}: ${end}`,
  quantity,
  measure: endsAtOneOfTwo(activation, k),
  expected: { min: 0.95 },
});

export const paper = {
  name: "copy-average",
  title: "Copy or average",
  claims: [
    ...teachers.map((k) =>
      twoEnds("erf", k, "flow ends at the copy-average optimum or at a perturbed copy."),
    ),
    ...["12", "16"].map((k) => ({
      ...larger,
      name: `two-ends-erf-${k}`,
      reads: { part: "flows", k },
      claim: `erf, k = ${k}: flow ends at the copy-average optimum or at a perturbed copy.`,
      quantity: "flows that end at a copy-average point or a perturbed copy, the n of the table",
      measure: (all) => ({
        hits: sum(all.map(({ measures }) => measures.averaging + measures.copying)),
        of: sum(all.map(({ measures }) => measures.flows)),
      }),
      expected: { min: 0.8 },
    })),
    ...teachers.map((k) => ({
      ...phases,
      name: `under-half-${k}`,
      claim: `erf, k = ${k}: if n is small compared with k, flows end at the copy-average optimum.`,
      quantity: "flows with n ≤ k/2 that end at a copy-average point",
      measure: (all) =>
        countFlows(
          withTeacher(withActivation(all, "erf"), k).filter((run) => settingOf(run).n <= k / 2),
          averaging,
        ),
      expected: { min: 0.95 },
    })),
    ...["erf", "relu"].map((activation) => ({
      ...phases,
      name: `one-neuron-${activation}`,
      claim: `${activations[activation]}: a student of one neuron ends at the symmetric optimum.`,
      quantity: "flows with n = 1 that end there, k = 4, 6 and 8",
      measure: (all) =>
        countFlows(
          withActivation(all, activation).filter((run) => settingOf(run).n === 1),
          averaging,
        ),
      expected: { min: 0.95 },
    })),
    ...teachers.map((k) =>
      twoEnds("relu", k, "flow converges near the copy-average optimum, or to a perturbed copy."),
    ),
    ...teachers.map((k) => ({
      ...twoEnds("sine", k, "the same holds for one more activation."),
      isOwn: true,
    })),
    {
      ...oneNeuron,
      name: "partitions",
      claim: "erf: every copy-average configuration is a critical point.",
      quantity: "divisions of 3 … 8 teacher neurons whose gradient is below 1e-12",
      measure: (all) => ({
        hits: partitions(all).filter((run) => run.measures.gradient < 1e-12).length,
        of: partitions(all).length,
      }),
      expected: { min: 0.9 },
    },
    {
      ...oneNeuron,
      name: "best-partition",
      claim: "erf: the best of them has n − 1 copies, and one neuron averages the rest.",
      quantity: "divisions that are best if and only if n − 1 neurons copy",
      measure: (all) => ({
        hits: partitions(all).filter(({ measures }) => {
          const isBest = measures.loss < measures.best + 1e-12;
          return isBest === measures.copies >= measures.n - 1;
        }).length,
        of: partitions(all).length,
      }),
      expected: { min: 0.9 },
    },
    {
      ...phases,
      name: "optimal-loss",
      isCheck: true,
      claim: "erf: the loss of this optimum has a closed form.",
      quantity: "mean loss of flows that end there over L*(k − n + 1), minus 1; cells (n, k)",
      measure: (all) =>
        withActivation(all, "erf")
          .filter((run) => averaging(run) > 0)
          .map((run) => {
            const { n, k } = settingOf(run);
            return Math.abs(metric(run, "averagingLoss") / optimalCopyAverageLoss(n, k) - 1);
          }),
      expected: { max: 1e-6 },
    },
    ...Object.entries(activations)
      .filter(([activation]) => activation !== "gelu")
      .map(([activation, words]) => ({
        ...oneNeuron,
        name: `symmetric-${activation}`,
        claim: `${words}, n = 1: critical points other than 0 lie in the symmetric subspace.`,
        quantity: "critical points found from 10,000 starts that do, k = 4",
        measure: (all) => {
          const run = searched(all).find((one) => one.at("activation") === activation);
          return { hits: run.measures.symmetric, of: run.measures.found };
        },
        expected: { min: 0.99 },
      })),
    {
      ...digits,
      isOwn: true,
      name: "digits",
      claim: "Most students of a teacher of handwritten digits copy with at least n − 1 neurons.",
      quantity: "students of 2, 4, 6 or 7 neurons that copy at least n − 1 of the teacher's eight",
      measure: (all) => ({
        hits: all.filter((run) => run.measures.copies >= sizeOf(run) - 1).length,
        of: all.length,
      }),
      expected: { min: 0.5 },
    },
  ],
  tables: {
    larger: {
      files: [larger.file],
      columns: ["k", "n", "copy-average", "perturbed copy", "elsewhere"],
      rows: ([all]) =>
        inPart(all, "flows").map(({ at, measures: { averaging, copying, flows: of } }) => [
          at("k"),
          at("n"),
          ...[averaging, copying, of - averaging - copying].map(String),
        ]),
    },
    points: {
      files: [larger.file],
      columns: [
        "k",
        "the perturbed copy is a minimum from n =",
        "it has the smaller loss from n =",
        "the copy-average optimum is a saddle from n =",
      ],
      rows: ([all]) =>
        inPart(all, "points").map(({ at, measures: { minimum, better, saddle } }) => [
          at("k"),
          ...[minimum, better, saddle].map(String),
        ]),
    },
    relu: {
      files: [file],
      columns: [
        "k",
        "n",
        "near copy-average",
        "perturbed copy",
        "elsewhere",
        "loss, near copy-average",
        "loss, perturbed copy",
      ],
      rows: ([all]) =>
        withActivation(all, "relu").map((run) => {
          const { n, k } = settingOf(run);
          const [first, second] = [averaging(run), copying(run)];
          const losses = ["averagingLoss", "copyingLoss"].map((name) => metric(run, name));
          return [
            ...[k, n, first, second, flows - first - second].map(String),
            ...losses.map((loss) => loss?.toFixed(7) ?? ""),
          ];
        }),
    },
    neuron: {
      files: [oneNeuron.file],
      columns: [
        "activation",
        "points found",
        "different losses",
        "norm",
        "outgoing weight",
        "loss",
      ],
      rows: ([all]) =>
        searched(all).map((run) => {
          const { found, points, norm, out, loss } = run.measures;
          const cells = found === 0 ? ["", "", ""] : [norm, out, loss].map((x) => x.toFixed(7));
          return [activations[run.at("activation")], String(found), String(points), ...cells];
        }),
    },
    digits: {
      files: [digits.file],
      columns: [
        "n",
        "neurons that copy",
        "error over the teacher's variance",
        "accuracy",
        "accuracy of the teacher",
      ],
      rows: ([all], format) =>
        [...groupBy(all, sizeOf)].map(([n, runs]) => [
          String(n),
          ...["copies", "loss", "studentAccuracy", "accuracy"].map((name) =>
            format(perTeacher(runs, (run) => run.measures[name])),
          ),
        ]),
    },
  },
  table: {
    files: [file],
    columns: [
      "k",
      "n",
      "copy-average",
      "perturbed copy",
      "elsewhere",
      "loss, copy-average",
      "closed form",
      "loss, perturbed copy",
      "closed form of the family",
    ],
    rows: async ([all]) => {
      const rows = withActivation(all, "erf").map(async (run) => {
        const { n, k } = settingOf(run);
        const format = (loss) => (loss === undefined ? "" : loss.toFixed(7));
        const family = n > 1 ? (await perturbedCopy(n, k)).loss : undefined;
        const [first, second] = [averaging(run), copying(run)];
        return [
          ...[k, n, first, second, flows - first - second].map(String),
          format(metric(run, "averagingLoss")),
          format(optimalCopyAverageLoss(n, k)),
          format(metric(run, "copyingLoss")),
          second > 0 ? format(family) : "",
        ];
      });
      return Promise.all(rows);
    },
  },
  figure: {
    files: [file],
    draw: ([all]) => {
      const values = all.map((run) => {
        const { n, k, activation } = settingOf(run);
        const [first, second] = [averaging(run), copying(run)];
        return {
          n,
          k: `k = ${k}`,
          activation,
          ends: [
            { end: "copy-average", share: first },
            { end: "perturbed copy", share: second },
            { end: "elsewhere", share: flows - first - second },
          ],
        };
      });
      const ends = ["copy-average", "perturbed copy", "elsewhere"];
      return {
        data: {
          values: values.flatMap(({ ends: shares, ...rest }) =>
            shares.map((share) => ({ ...rest, ...share })),
          ),
        },
        facet: {
          row: { field: "activation", type: "nominal", sort: ["erf", "relu", "sine"] },
          column: { field: "k", type: "nominal" },
        },
        spec: {
          width: 190,
          height: 90,
          mark: { type: "bar" },
          encoding: {
            x: {
              field: "n",
              type: "ordinal",
              title: "neurons of the student, n",
              axis: { labelAngle: 0 },
            },
            y: { field: "share", type: "quantitative", title: "flows of 100", stack: true },
            color: {
              field: "end",
              type: "nominal",
              scale: { domain: ends, range: [methodColours[0], methodColours[1], mutedColour] },
              legend: { orient: "bottom" },
            },
            order: { field: "end", sort: "ascending" },
          },
        },
        resolve: { scale: { x: "independent" } },
      };
    },
  },
};
