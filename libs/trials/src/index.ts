export { isWithin } from "./numbers.js";
export { holdsRun, readSummary } from "./run-folder.js";
export { runTrial } from "./run-trial.js";
export type { Summary } from "./summary.js";
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
export {
  reportOptions,
  conductAndTell,
  readTrialFile,
  runFolderFor,
} from "./process/conduct-and-tell.js";
export { writeReport } from "./report/index.js";
export { columns } from "./process/outcome-text.js";
export * from "./sweep/index.js";
export { version } from "./version.js";
