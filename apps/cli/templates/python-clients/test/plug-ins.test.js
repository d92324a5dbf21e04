import { describeAggregator } from "@fedclair/core/testing";
import { nearMedian } from "../near-median.js";

// Tests that every aggregator must pass.
describeAggregator(nearMedian);
