import { mainRecords, type Run } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import { figureConfig } from "./figure-style.js";
import { drawnText } from "./rounds.js";
import { scoresOverRounds } from "./score-history.js";
import { scorePanels } from "./score-panels.js";
import { scoreAxis, scorePoints, thinned, unscored, type ScorePoint } from "./score-points.js";

/** Beyond so many rounds a panel each would be too narrow to read. */
const maxPanels = 5;
/** Beyond so many clients a row each would not fit a page. */
const maxRows = 64;
/** Points a round of one truth and verdict, when clients have no rows of their own. */
const maxPoints = 200;

/** What `scoreFigure` shows. */
export function scoreCaption(run: Run): string {
  const records = mainRecords(run);
  const reading =
    "Above the threshold (dashed) a client is flagged as contaminated. Filled: flagged; hollow: not; ringed in red: the verdict differs from the truth.";
  return records.length <= maxPanels
    ? reading
    : `Over rounds the median and the 10–90 % range of each truth; below, the last round. ${reading}${drawnText(run)}`;
}

/**
 * Scores against the threshold: a panel a round where they fit, else the spread over rounds with the last round's panel
 * below it; in a panel a row a client where they fit, else a row a truth. Undefined when no client was scored.
 */
export function scoreFigure(run: Run): TopLevelSpec | undefined {
  const records = mainRecords(run);
  const points = records.flatMap((record) => scorePoints(record, run.description));
  if (!points.some(({ score }) => score !== null)) return undefined;
  const axis = scoreAxis(points);
  const attacks = [...new Set(points.map(({ truth }) => truth))]
    .filter((truth) => truth !== "benign")
    .sort();
  const panels = (some: readonly ScorePoint[]) => {
    const named = new Set(some.map(({ client }) => client)).size <= maxRows;
    const drawn = named ? some : [...thinned(some, maxPoints), ...unscored(some)];
    return scorePanels(drawn, attacks, axis, named);
  };
  const last = points.filter(({ round }) => round === records.at(-1)?.round);
  const views =
    records.length <= maxPanels
      ? [panels(points)]
      : [scoresOverRounds(points, attacks, axis), panels(last)];
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    vconcat: views,
  } as TopLevelSpec;
}
