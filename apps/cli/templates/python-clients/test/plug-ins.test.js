import { describeAggregator } from "@fedclair/core/testing";
import { nearMedian } from "../near-median.js";

// What every aggregator must do, whichever clients it believes.
describeAggregator(nearMedian);
