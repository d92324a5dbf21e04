import { describeAggregator, describeAttack } from "@fedclair/core/testing";
import { medianOfMeans } from "../median-of-means.js";
import { mirrorLabels } from "../mirror-labels.js";

// Tests that every plug-in must pass.
describeAggregator(medianOfMeans, {
  multipliesOut: "dense, because a coordinate-wise median has no low rank",
});
describeAttack(mirrorLabels);
