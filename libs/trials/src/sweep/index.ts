export { runSweep, type Done } from "./run-sweep.js";
export { parseSweep } from "./sweep-file.js";
export { sweepText } from "./sweep-text.js";
export { tablesOf } from "./table.js";
export { writeSweep } from "./write-sweep.js";
