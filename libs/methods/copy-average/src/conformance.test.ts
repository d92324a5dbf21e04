import { describeTask } from "@fedclair/core/testing";
import { copyAverage } from "./task.js";

const teacher = { k: 3, n: 2, d: 3 };

describeTask(copyAverage, [
  { name: "independent starts", options: teacher, clients: 3, rounds: 2, kind: "sign-flip" },
  { name: "one start", options: { ...teacher, init: "shared" }, clients: 3, rounds: 2 },
]);
