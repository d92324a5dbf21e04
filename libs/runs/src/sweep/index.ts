export { checkMeasures } from "./check-measures.js";
export {
  findFinished,
  readFinishedElsewhere,
  runSweepTrial,
  type TrialPlace,
  type FinishedTrial,
} from "./run-sweep-trial.js";
export {
  openSweepFolder,
  runSweep,
  slurmFolder,
  type RunTrial,
  type TrialQueue,
} from "./run-sweep.js";
export { idPattern, isSweep, parseSweep, type Sweep, type SweepTrial } from "./sweep-file.js";
export { sweepText } from "./sweep-text.js";
export { toCsv, missingMeasures, sweepTables, type Table } from "./table.js";
