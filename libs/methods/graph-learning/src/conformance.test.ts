import { describeTask } from "@fedclair/core/testing";
import { graphLearning } from "./task.js";

describeTask(graphLearning, [
  { name: "a graph", options: { nodes: 8 }, clients: 4, rounds: 2, kind: "othergraph" },
]);
