export { axisTicks, type Axis } from "./axis.js";
export {
  figureConfig,
  figureWidth,
  jitter,
  methodColours,
  muted,
  truthColours,
  truthShapes,
} from "./figure-style.js";
export { drawFigures, type Drawing } from "./figures.js";
export { factList, html, preformatted, table, type Html } from "./html.js";
export { findInfluences, influenceText, listIds, type Influence } from "./influences.js";
export { loneFigureSection, htmlPage, type Figure } from "./page.js";
export { hashSource, readPageScript } from "./page-script.js";
export { runAndReport } from "./run-and-report.js";
export { showIfDone, showRun } from "./show-run.js";
export { textWidth } from "./text-width.js";
export { writeComparison } from "./write-comparison.js";
export { readForReport } from "./rounds-data.js";
export { writeRunReport } from "./write-report.js";
export { writeSweep } from "./write-sweep.js";
export { writeStudyComparison } from "./write-study-comparison.js";
