import { describeTask } from "@fedclair/core/testing";
import { valueDrivenTransport } from "./task.js";

const transport = {
  samples: 40,
  schedule: 3,
  localSteps: 2,
  hidden: 4,
  baseSteps: 3,
  batchSize: 8,
  sourceBatchSize: 8,
  measureEvery: 2,
  evaluationSamples: 20,
};

describeTask(
  valueDrivenTransport,
  (["gradient", "fedavg", "lora"] as const).map((mode) => ({
    name: mode,
    options: { ...transport, mode },
    clients: 3,
    rounds: 3,
  })),
);
