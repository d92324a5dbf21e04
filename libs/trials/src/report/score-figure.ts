import type { TopLevelSpec } from "vega-lite";
import type { ArmRecord } from "../run-folder.js";
import { figureConfig, figureWidth } from "./figure-style.js";
import type { ClientLabel } from "./run.js";
import { scoresOverRounds } from "./score-history.js";
import { clientScores } from "./score-panels.js";
import { scoreAxis, scorePoints, type ScorePoint } from "./score-points.js";

/** Beyond so many rounds a panel each would be too narrow to read. */
const maxPanels = 5;
/** Beyond so many clients a row each would not fit a page. */
const maxRows = 100;

/**
 * Scores against the threshold: a row a client and a panel a round where they fit, else the spread over rounds, with the
 * last round's clients below it. Undefined when no client was scored.
 * @param records of the method under study
 */
export function scoreFigure(
  records: readonly ArmRecord[],
  label?: ClientLabel,
): TopLevelSpec | undefined {
  const points = records.flatMap((record) => scorePoints(record, label));
  const shown = points.flatMap(({ score, threshold }) => [score ?? [], threshold ?? []].flat());
  if (!points.some(({ score }) => score !== null)) return undefined;
  const axis = scoreAxis(shown);
  const attacks = [...new Set(points.map(({ truth }) => truth))]
    .filter((truth) => truth !== "benign")
    .sort();
  const last = points.filter(({ round }) => round === records.at(-1)?.round);
  const rows = (some: readonly ScorePoint[]) => new Set(some.map(({ client }) => client)).size;
  const shared = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: figureConfig,
    title: {
      text: "",
      subtitle:
        "filled: flagged · hollow: not flagged · ringed: the verdict differs from the truth",
    },
  };
  if (records.length <= maxPanels && rows(points) <= maxRows) {
    return { ...shared, ...clientScores(points, attacks, axis, figureWidth) } as TopLevelSpec;
  }
  const history = scoresOverRounds(points, attacks, axis, figureWidth);
  const vconcat =
    rows(last) <= maxRows ? [history, clientScores(last, attacks, axis, 560)] : [history];
  return { ...shared, vconcat } as TopLevelSpec;
}
