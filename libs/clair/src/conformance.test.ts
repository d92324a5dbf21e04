import { describeAggregator } from "@fedclair/core/testing";
import { clairAggregator } from "./index.js";

/** Options that select another rule or make CLAIR keep state. */
for (const options of [
  {},
  { rule: "evidence" },
  { window: 3 },
  { window: 3, centered: true },
  { rule: "evidence", window: 3 },
]) {
  describeAggregator(clairAggregator, { options });
}
describeAggregator(clairAggregator, {
  options: { models: "global", groupSize: 20 },
  multipliesOut: "dense, as the groups' spaces together have too many dimensions",
});
