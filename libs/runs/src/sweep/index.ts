export { checkMeasures } from "./check-measures.js";
export { runSweepTrial, type Done } from "./run-sweep-trial.js";
export { runSweep, type RunTrial } from "./run-sweep.js";
export { isSweep, parseSweep, type Sweep, type SweepTrial } from "./sweep-file.js";
export { sweepText } from "./sweep-text.js";
export { csvOf, missingMeasures, tablesOf, type Table } from "./table.js";
