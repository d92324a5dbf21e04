import { mainRecords, type ArmRecord, type Run } from "@fedclair/runs";
import type { TopLevelSpec } from "vega-lite";
import type { Axis } from "./axis.js";
import { createSpec, isNarrow } from "./figure-style.js";
import { formatDrawnRounds, formatSampledClients } from "./rounds.js";
import { scoresOverRounds } from "./score-history.js";
import { scorePanels } from "./score-panels.js";
import {
  scoreAxis,
  scorePoints,
  thinPoints,
  summariseUnscored,
  type ScorePoint,
} from "./score-points.js";

/** With more rounds, one panel per round would be too narrow to read. */
const maxPanels = 5;
/** With more clients, one row per client would not fit on a page, and groups have rows. */
const maxRows = 60;
/** Points per round, truth and verdict when clients have no rows of their own. */
const maxPoints = 200;

/** The caption of `scoreFigure`. */
export function scoreCaption(run: Run): string {
  const records = mainRecords(run);
  const reading =
    "Above the threshold (dashed) a client is flagged as contaminated. Filled: flagged; hollow: not; ringed in red: the verdict differs from the truth." +
    (isGrouped(records)
      ? " Named: the highest scores of benign clients, the lowest of others."
      : "") +
    formatSampledClients(run);
  return records.length <= maxPanels
    ? reading
    : `Top: the median and the 10–90 % range of each truth over rounds. Bottom: the last round. ${reading}${formatDrawnRounds(run)}`;
}

function isGrouped(records: readonly ArmRecord[]): boolean {
  return records.some(({ clients }) => clients.length > maxRows);
}

/**
 * Prepares the figure of scores and the threshold for several widths. If there are few rounds, each
 * has a panel; otherwise the spread over rounds is shown above a panel for the last round. A panel
 * has one row per client if they fit, otherwise one row per truth.
 * @returns a function of the width; it returns undefined if no client was scored
 */
export function scoreFigure(run: Run): (figureWidth: number) => TopLevelSpec | undefined {
  const records = mainRecords(run);
  const points = records.flatMap((record) => scorePoints(record, run.description));
  if (!points.some(({ score }) => score !== null)) return () => undefined;
  const axis = scoreAxis(points);
  const attacks = listAttacks(points);
  const panels = (some: readonly ScorePoint[], figureWidth: number) =>
    drawPanels(some, attacks, axis, figureWidth);
  const last = points.filter(({ round }) => round === records.at(-1)?.round);
  const views = (figureWidth: number) =>
    records.length <= (isNarrow(figureWidth) ? 1 : maxPanels)
      ? [panels(points, figureWidth)]
      : [scoresOverRounds(points, attacks, axis, figureWidth), panels(last, figureWidth)];
  return (figureWidth) => createSpec({ vconcat: views(figureWidth) });
}

/**
 * The figure of one judgement. Returns undefined if nobody has a score.
 * @param attacks everything but benign that a point can be, which decides its colour
 */
export function drawScores(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  figureWidth: number,
): TopLevelSpec | undefined {
  if (points.length === 0) return undefined;
  const panels = drawPanels(points, attacks, scoreAxis(points), figureWidth);
  return createSpec({ vconcat: [panels] });
}

function listAttacks(points: readonly ScorePoint[]): string[] {
  const truths = new Set(points.map(({ truth }) => truth));
  return [...truths].filter((truth) => truth !== "benign").sort();
}

function drawPanels(
  points: readonly ScorePoint[],
  attacks: readonly string[],
  axis: Axis,
  figureWidth: number,
): object {
  const hasRowPerClient = new Set(points.map(({ client }) => client)).size <= maxRows;
  const drawn = hasRowPerClient
    ? points
    : [...thinPoints(points, maxPoints), ...summariseUnscored(points)];
  return scorePanels(drawn, attacks, axis, hasRowPerClient, figureWidth);
}
