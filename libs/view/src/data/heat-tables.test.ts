import assert from "node:assert/strict";
import type { Cell, Grid, Table } from "@fedclair/runs";
import { heatTables } from "./heat-tables.js";

describe("heatTables", () => {
  const rows = { path: "attacks", labels: ["none", "alie"] };
  const trials = rows.labels.map((label) => ({
    id: label,
    folder: label,
    seed: 1,
    at: new Map([["attacks", label]]),
    arms: [],
    measures: {},
  }));
  const grid = { name: "grid", rows, columns: undefined, dimensions: [rows], trials };
  const cell = (mean: number): Cell => ({
    mean,
    min: mean,
    max: mean,
    seeds: 1,
    values: [mean],
  });
  const levels = (measure: string, worse: Table["worse"], values: readonly number[]) => {
    const cells = values.map((value) => [cell(value)]);
    const table = { measure, worse, facet: "", rows: rows.labels, columns: [""], cells, worst: [] };
    const linkOf = (own: Grid["trials"]) => `#${own.map(({ id }) => id).join()}`;
    const [heat] = heatTables(grid as unknown as Grid, [table], linkOf);
    assert.equal(heat?.rows[1]?.cells[0]?.href, "#alie");
    return heat.rows.map((row) => row.cells[0]?.level);
  };

  it("colours shares from 0 to 1, counts from 0, and comparisons from where both are equal", () => {
    assert.deepEqual(levels("detection.recall", "low", [1, 0.8]), [0, 1]);
    assert.deepEqual(levels("detection.falseAlarms", "high", [1, 2]), [3, 5]);
    assert.deepEqual(levels("error.ratioTo.local", "high", [0.2, 0.9]), [0, 0]);
    assert.deepEqual(levels("error.ratioTo.local", "high", [0.2, 1.1]), [0, 5]);
    assert.deepEqual(levels("error.ratioTo.local", "high", [1, 1 + 4e-16]), [0, 0]);
    assert.deepEqual(levels("accuracy.gainOver.local", "low", [0.1, -0.1]), [0, 5]);
    assert.deepEqual(levels("error.clair", "high", [1, 1000]), [0, 5]);
    assert.deepEqual(levels("steps", undefined, [1, 2]), [undefined, undefined]);
  });
});
