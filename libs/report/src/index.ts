export { runAndReport } from "./run-and-report.js";
export { writeReport } from "./write-report.js";
export { writeSweep } from "./write-sweep.js";
