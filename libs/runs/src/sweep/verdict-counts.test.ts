import assert from "node:assert/strict";
import { createGrid, type GridRun } from "../../testing/grids.js";
import { computeResults } from "./results.js";
import { sweepCard } from "./sweep-card.js";
import { verdictCells } from "./verdict-counts.js";

const detection = (metric: string, value: number, n: number) =>
  ({ scope: "detection", metric, value, n }) as const;

describe("the verdicts of a study", () => {
  it("are counted as flagged, undecided and called benign, by truth", () => {
    const runs = [1, 2].map((seed): GridRun => {
      const details = [
        detection("recall", seed === 1 ? 0 : 0.2, 5),
        detection("undecidedContaminated", 2, 5),
        detection("falseAlarms", 1, 15),
        detection("undecidedBenign", 3, 15),
      ];
      return { at: { attacks: "alie" }, seed, details };
    });
    const { grid, summaries } = createGrid(runs);
    const { verdicts } = computeResults(grid, summaries);
    assert.deepEqual(verdicts, [
      {
        place: "alie",
        contaminated: { flagged: 1, undecided: 4, of: 10 },
        honest: { flagged: 2, undecided: 6, of: 30 },
      },
    ]);
    assert.deepEqual(verdictCells(verdicts)[1], [
      "alie",
      "10",
      "1",
      "4",
      "5",
      "30",
      "2",
      "6",
      "22",
    ]);
  });

  it("name the studies in which clients were called benign or false alarms were raised", () => {
    const judged = (flagged: number, of: number) => ({ flagged, undecided: 0, of });
    const verdicts = [
      { place: "alie", contaminated: judged(1, 2), honest: judged(0, 4) },
      { place: "ipm", contaminated: judged(0, 2), honest: judged(1, 4) },
      { place: "none", honest: judged(0, 6) },
    ];
    const card = sweepCard({ trials: 3, finished: 3, verdicts });
    assert.deepEqual(card.who, ["some called benign: alie, ipm", "false alarms: ipm"]);
    const [alone] = verdicts;
    assert.deepEqual(alone && sweepCard({ trials: 1, finished: 1, verdicts: [alone] }).who, []);
  });

  it("are absent if no aggregator judges clients", () => {
    const { grid, summaries } = createGrid([{ at: { attacks: "alie" }, seed: 1, details: [] }]);
    assert.deepEqual(computeResults(grid, summaries).verdicts, []);
  });
});
