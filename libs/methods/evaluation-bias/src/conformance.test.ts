import { describeTask } from "@fedclair/core/testing";
import { evaluationBias } from "./task.js";

describeTask(evaluationBias, [
  {
    name: "two phases",
    options: { referenceScores: 300, panelScores: 300, panels: [{ alpha: 4, tau: 1.6 }] },
    clients: 6,
    rounds: 2,
    kind: "spike",
  },
]);
