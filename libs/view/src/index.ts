export { axisTicks, type Axis } from "./figures/axis.js";
export {
  createSpec,
  figureConfig,
  figureWidth,
  isNarrow,
  jitter,
  truthColours,
  truthShapes,
} from "./figures/figure-style.js";
export { drawScores } from "./figures/score-figure.js";
export { thresholdText } from "./figures/score-points.js";
export { drawFigures, type Drawing, type Figure } from "./figures/figures.js";
export { factList, html, preformatted, table, type Html } from "./report/html.js";
export { findInfluences, influenceText } from "./data/influences.js";
export { loneFigureSection, htmlPage } from "./report/page.js";
export { textWidth } from "./figures/text-width.js";
export { readForReport } from "./data/rounds-tally.js";
export { writeRunReport } from "./report/write-report.js";
export { writePaper } from "./paper/write-paper.js";
export { writeSweep } from "./report/write-sweep.js";
export { studyPage } from "./report/study-page.js";
export { writePage } from "./report/write-page.js";
