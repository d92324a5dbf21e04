import { describeTask } from "@fedclair/core/testing";
import { collaborationGraphTask } from "./task.js";

describeTask(collaborationGraphTask, [
  {
    name: "two groups",
    options: { groups: [3, 3], inputs: 6, samples: 12 },
    clients: 6,
    rounds: 2,
  },
]);
