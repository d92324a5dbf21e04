import type { Registry, Task } from "@fedclair/core";
import { linearRegression } from "./linear-regression/linear-regression.js";
import { textCopy } from "./text-copy/text-copy.js";

/** The tasks that a trial file can name: one line each. */
export const tasks: Registry<Task> = new Map(
  [linearRegression, textCopy].map((task) => [task.name, task]),
);
