import { describeAggregator, describeAttack, describeTask } from "@fedclair/core/testing";
import { meanEstimation } from "../mean-estimation.js";
import { nearMedian } from "../near-median.js";
import { reverse } from "../reverse.js";

// Tests that every plug-in must pass: the same numbers on any host, no hidden state, correct
// handling of unusual numbers.
describeTask(meanEstimation, [
  { name: "six numbers", clients: 4, rounds: 2 },
  { name: "one number", options: { size: 1, samples: 5 }, clients: 3, rounds: 2 },
]);
describeAggregator(nearMedian);
describeAttack(reverse);
