import type { CaseFormat } from "@fedclair/core/cases";
import { alberdiceFormat } from "./alberdice/index.js";
import { copyAverageFormat } from "./copy-average/index.js";
import { evaluationBiasFormat } from "./evaluation-bias/index.js";
import { logspectFormat } from "./graph-learning/index.js";
import { valueDrivenTransportFormat } from "./value-driven-transport/index.js";

/** The formats of reference cases for the tasks' methods. */
export const taskFormats: readonly CaseFormat[] = [
  alberdiceFormat,
  copyAverageFormat,
  evaluationBiasFormat,
  logspectFormat,
  valueDrivenTransportFormat,
];
