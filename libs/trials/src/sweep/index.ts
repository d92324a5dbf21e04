export { runSweep, type Done } from "./run-sweep.js";
export { parseSweep, type Sweep, type SweepTrial } from "./sweep-file.js";
export { sweepText } from "./sweep-text.js";
export { tablesOf, type Table } from "./table.js";
export { writeSweep } from "./write-sweep.js";
