import { fileURLToPath } from "node:url";
import { describeTask } from "@fedclair/core/testing";
import { csvRegression } from "../csv-regression.js";

// Tests that every task must pass.
const folder = fileURLToPath(new URL("../data", import.meta.url));
describeTask(csvRegression, [
  {
    name: "four clinics",
    options: { folder, target: "outcome" },
    clients: 4,
    rounds: 3,
    kind: "mixed-up",
  },
]);
