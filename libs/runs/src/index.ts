export { armsOf, type Arm } from "./arms.js";
export {
  byteUnits,
  formatBytes,
  formatNumber,
  isWithin,
  mean,
  timeUnits,
  unitOf,
  type Unit,
} from "./numbers.js";
export {
  byTruth,
  clientRows,
  displayName,
  mistakeOf,
  type ClientLabel,
  type ClientRow,
} from "./outcome/client-rows.js";
export { columns, outcomeText } from "./outcome/outcome-text.js";
export { verdictSentence } from "./outcome/verdict.js";
export { createLog } from "./process/log.js";
export {
  integerOption,
  interruption,
  listenForInterruption,
  readToken,
  runProgram,
  setOption,
  toUserError,
} from "./process/main.js";
export { readTrialFile } from "./process/trial-file.js";
export { Progress } from "./progress.js";
export { recordTrial, type TrialRun } from "./record-trial.js";
export {
  holdsRun,
  readLines,
  readSummary,
  runFolderFor,
  type ArmRecord,
  type ArmTiming,
} from "./run-folder.js";
export { runTrial } from "./run-trial.js";
export { evaluationMeans, isFlagged, summarise, type Summary } from "./summary.js";
export * from "./sweep/index.js";
export { version } from "./version.js";
export { pathsOf } from "./paths.js";
