import type { Summary } from "../measures/summary.js";
import { findDetection, nameStudy } from "./findings.js";
import { listStudies, listSummaries, type MeasuredGrid } from "./grid.js";
import { sumCounts } from "./table.js";

/** How a study judged clients of one truth in the last round, over all seeds. */
export interface JudgedClients {
  readonly flagged: number;
  readonly undecided: number;
  readonly of: number;
}

/** How a study judged the contaminated and the honest clients. */
export interface VerdictCounts {
  /** The study's place in the grid, as in findings. */
  readonly place: string;
  /** Absent if no judged client is contaminated. */
  readonly contaminated?: JudgedClients;
  readonly honest?: JudgedClients;
}

/** Counts the verdicts of each study whose main arm judges clients. */
export function listVerdictCounts(grid: MeasuredGrid): VerdictCounts[] {
  return listStudies(grid).flatMap((study): VerdictCounts[] => {
    const own = listSummaries(study.trials);
    const contaminated = countJudged(own, "recall", "undecidedContaminated");
    const honest = countJudged(own, "falseAlarms", "undecidedBenign");
    if (!contaminated && !honest) return [];
    return [
      { place: nameStudy(study), ...(contaminated && { contaminated }), ...(honest && { honest }) },
    ];
  });
}

function countJudged(
  summaries: readonly Summary[],
  flagged: string,
  undecided: string,
): JudgedClients | undefined {
  const [some, open] = [flagged, undecided].map((metric) =>
    sumCounts(findDetection(summaries, metric)),
  );
  return some && open && { flagged: some.hits, undecided: open.hits, of: some.of };
}

/** The heads and the cells of the table of verdicts. Clients that are neither are called benign. */
export function verdictCells(counts: readonly VerdictCounts[]): readonly (readonly string[])[] {
  const cells = (judged: JudgedClients | undefined) => {
    if (!judged) return ["–", "–", "–", "–"];
    const { flagged, undecided, of } = judged;
    return [of, flagged, undecided, of - flagged - undecided].map(String);
  };
  const heads = (truth: string) => [truth, "flagged", "undecided", "called benign"];
  return [
    ["", ...heads("contaminated"), ...heads("honest")],
    ...counts.map(({ place, contaminated, honest }) => [
      place,
      ...cells(contaminated),
      ...cells(honest),
    ]),
  ];
}
