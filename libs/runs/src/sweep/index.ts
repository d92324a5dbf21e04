export { runSweep, type Done } from "./run-sweep.js";
export { isSweep, parseSweep, type Sweep } from "./sweep-file.js";
export { sweepText } from "./sweep-text.js";
export { csvOf, missingMeasures, tablesOf, type Table } from "./table.js";
