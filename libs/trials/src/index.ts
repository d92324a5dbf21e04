export { armsOf, type Arm } from "./arms.js";
export { readLines, RunFolder, type ArmRecord, type ArmTiming } from "./run-folder.js";
export { runTrial, type ArmRound } from "./run-trial.js";
export { detectionOf, evaluationMeans, isFlagged, summarise, type Summary } from "./summary.js";
export { conductTrial, type Conduct } from "./conduct.js";
export { createLog, type Logger } from "./process/log.js";
export {
  integerOption,
  interruption,
  listenForInterruption,
  readToken,
  runProgram,
  setOption,
} from "./process/main.js";
export { Progress } from "./progress.js";
export {
  reportOptions,
  conductAndTell,
  readTrialFile,
  runFolderFor,
  type Show,
} from "./process/conduct-and-tell.js";
export { writeReport } from "./report/index.js";
export { columns } from "./process/outcome-text.js";
export * from "./sweep/index.js";
