// What an accuracy costs in bytes: dense changes, LoRA pairs, and encodings of both.
import { mean } from "@fedclair/linalg";
import { formatNumber } from "@fedclair/runs";
import { groupBy } from "../../../studies/support/group-by.js";
import { perSeed } from "../../../studies/papers/runs.js";

const bytes = { file: "libs/clair/sweeps/clair-bytes.yaml", judge: "gap", time: "1 minute" };

const accuracy = ({ measures }) => measures["accuracy.clair"];
const encodingOf = (run) => run.at("mods");

/** The accuracy of one kind of run minus that of another, by seed. */
const difference = (isFirst, isSecond) => (all) =>
  perSeed(all, (runs) => accuracy(runs.find(isFirst)) - accuracy(runs.find(isSecond)));

const is = (model, encoding) => (run) =>
  run.at("task.model") === model && encodingOf(run).includes(encoding);

export const bytesClaims = [
  {
    ...bytes,
    name: "bytes-int8",
    claim: "One byte a number is as good as four.",
    quantity: "accuracy with int8 minus that without, dense changes, paired",
    measure: difference(is("mlp", "int8"), is("mlp", "none")),
    expected: { min: -0.01 },
  },
  {
    ...bytes,
    name: "bytes-pairs",
    claim: "LoRA pairs on a pre-trained base reach at least the accuracy of dense changes.",
    quantity: "accuracy with pairs minus that of dense changes, paired",
    measure: difference(is("lora", "none"), is("mlp", "none")),
    expected: { min: 0 },
  },
];

export const bytesTable = {
  files: [bytes.file],
  columns: ["changes", "encoding", "bytes sent", "accuracy of benign clients"],
  rows: ([all], format) =>
    [...groupBy(all, (run) => `${run.at("task.model")}, ${encodingOf(run)}`).values()].map(
      (runs) => [
        runs[0].at("task.model") === "lora" ? "pairs" : "dense",
        encodingOf(runs[0]),
        formatNumber(mean(runs.map(({ measures }) => measures["bytes.up"]))),
        format(runs.map(accuracy)),
      ],
    ),
};
