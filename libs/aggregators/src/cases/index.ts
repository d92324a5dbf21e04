export { clairFormat } from "./clair-format.js";
export { runCases, type CaseFormat } from "./formats.js";
export type { Mismatch, Outcome } from "./report.js";
