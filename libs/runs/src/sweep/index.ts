export { CarriedTrial } from "./carried-trial.js";
export { checkMeasures, listAttackNames } from "./check-measures.js";
export { compareMeasures } from "./compare-measures.js";
export {
  compareStudies,
  listComparedStudies,
  nameApart,
  studyOfRun,
  type ComparedStudy,
  type StudyComparison,
} from "./compare-studies.js";
export { drawsData } from "./draws.js";
export { nameStudy } from "./findings.js";
export { formatPlace, listStudies, otherDimensions, type Grid, type GridTrial } from "./grid.js";
export { findMeasure } from "./measures.js";
export { computeResults, type SweepResults } from "./results.js";
export {
  findFinished,
  runSweepTrial,
  openHere,
  type OpenPlace,
  type TrialPlace,
  type FinishedTrial,
} from "./run-sweep-trial.js";
export { runSweep, type RunTrial, type TrialQueue } from "./run-sweep.js";
export { idPattern, parseSweep, sectionSchema, type Sweep, type SweepTrial } from "./sweep-file.js";
export {
  assignFolders,
  findSweepFault,
  gridFile,
  listSweeps,
  openSweepFolder,
  readStoredSweep,
  slurmFolder,
  type StoredSweep,
} from "./sweep-folder.js";
export type { Best } from "./best.js";
export { findMethods } from "./contests.js";
export {
  bestCells,
  differenceAdvice,
  differenceCells,
  differenceNote,
  groupTables,
  maxFindings,
  meanNote,
  shareNote,
  sweepText,
  tableCells,
  verdictTitle,
} from "./sweep-text.js";
export { sweepCard } from "./sweep-card.js";
export { listVerdictCounts, verdictCells } from "./verdict-counts.js";
export {
  findBestCells,
  formatCell,
  formatFacet,
  missingMeasures,
  toCsv,
  listCells,
  valueOf,
  type Cell,
  type Table,
} from "./table.js";
