import type { CaseFormat } from "@fedclair/core/cases";
import { alberdiceFormat } from "./alberdice/cases/index.js";
import { copyAverageFormat } from "./copy-average/cases/index.js";
import { evaluationBiasFormat } from "./evaluation-bias/cases/index.js";
import { logspectFormat } from "./graph-learning/cases/index.js";
import { valueDrivenTransportFormat } from "./value-driven-transport/cases/index.js";

/** The reference cases of the tasks' methods. */
export const taskFormats: readonly CaseFormat[] = [
  alberdiceFormat,
  copyAverageFormat,
  evaluationBiasFormat,
  logspectFormat,
  valueDrivenTransportFormat,
];
