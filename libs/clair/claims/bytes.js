// What an accuracy costs in bytes: dense changes, LoRA pairs, and encodings of both.
import { mean } from "@fedclair/linalg";
import { formatNumber } from "@fedclair/runs";
import { groupBy } from "../../../studies/support/group-by.js";
import { perSeed } from "../../../studies/papers/runs.js";

const bytes = { file: "studies/clair/bytes.js", judge: "gap", time: "2 minutes" };

/** The accuracy of one kind of run minus that of another, by seed. */
const difference = (first, second) => (all) =>
  perSeed(all, (runs) => {
    const accuracyOf = ([changes, encoding]) =>
      runs.find((run) => run.at("changes") === changes && run.at("encoding") === encoding).measures
        .accuracy;
    return accuracyOf(first) - accuracyOf(second);
  });

export const bytesClaims = [
  {
    ...bytes,
    name: "bytes-int8",
    claim: "One byte a number is as good as four.",
    quantity: "accuracy with int8 minus that without, dense changes, paired",
    measure: difference(["dense", "int8"], ["dense", "none"]),
    expected: { min: -0.01 },
  },
  {
    ...bytes,
    name: "bytes-pairs",
    claim: "LoRA pairs reach at least the accuracy of dense changes from the same base.",
    quantity: "accuracy with pairs minus that of dense changes, paired",
    measure: difference(["pairs", "none"], ["dense", "none"]),
    expected: { min: 0 },
  },
];

export const bytesTable = {
  files: [bytes.file],
  columns: ["changes", "encoding", "bytes sent", "accuracy of benign clients"],
  rows: ([all], format) =>
    [...groupBy(all, (run) => `${run.at("changes")}, ${run.at("encoding")}`).values()].map(
      (runs) => [
        runs[0].at("changes"),
        runs[0].at("encoding"),
        formatNumber(mean(runs.map(({ measures }) => measures.bytes))),
        format(runs.map(({ measures }) => measures.accuracy)),
      ],
    ),
};
