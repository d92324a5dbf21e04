import { loadBackend, unreleasedFloats } from "@fedclair/compute";
import { describeTask } from "@fedclair/core/testing";
import { alberdice } from "./task.js";

const bridge = { environment: { name: "bridge", random: 2, optimal: 2 }, sweeps: 2 };
const networks = {
  ...bridge,
  alphaFirst: 1,
  alphaLast: 0.05,
  learner: { name: "network", hidden: 4, steps: 2, dataRounds: 1, dataSteps: 2 },
};

const { tf } = await loadBackend();
describeTask(
  alberdice,
  [
    { name: "tables", options: bridge, clients: 3, rounds: 3, kind: "permute" },
    {
      name: "a client an agent",
      options: { ...bridge, mode: "agent-per-client" },
      clients: 2,
      rounds: 3,
    },
    {
      name: "one round for all agents",
      options: { ...bridge, mode: "local-then-average" },
      clients: 3,
      rounds: 2,
    },
    { name: "networks", options: networks, clients: 3, rounds: 3, kind: "permute" },
  ],
  () => tf.memory().numTensors + unreleasedFloats(),
);
