import { describeAggregator, describeAttack } from "@fedclair/core/testing";
import { medianOfMeans } from "../median-of-means.js";
import { mirrorLabels } from "../mirror-labels.js";

// What every plug-in must do, whatever its rule.
describeAggregator(medianOfMeans, {
  multipliesOut: "dense, as a median of coordinates has no low rank",
});
describeAttack(mirrorLabels);
